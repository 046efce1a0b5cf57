// Package params carries values from a caller into a notebook: it reads what a
// notebook's parameters cell declares, types the caller's values, writes them
// as code in the kernel's language and places that code in one cell.
//
// The parameters cell is the first cell tagged "parameters"; the cell this
// package writes is tagged "injected-parameters", starts with a comment and
// holds one assignment a line:
//
//	# Parameters
//	city = "Bern"
//	days = 30
//
// Names, flags, typing rules and placement are papermill's. Where papermill's
// own output is wrong or lets a value run as code, this package writes what is
// right; with Compat it writes what papermill writes.
//
// The package is pure: it opens no file, reads no environment and no clock.
package params

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"math/big"
	"slices"
	"time"
)

// Value is one parameter value: nil, bool, int64, *big.Int (an integer outside
// int64), float64, string, Date, DateTime, []Value, *Map or Secret. Of makes
// one from other Go types, and Set does so too.
type Value any

// Date is a calendar day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// String is the day in ISO form.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// DateTime is a point in time, or a wall clock reading when Naive.
type DateTime struct {
	Time  time.Time
	Naive bool
}

// Map is an ordered mapping. Names are unique in Python's sense, so that 1,
// 1.0 and True are one key. The zero Map is empty and ready to use; a nil *Map
// reads as empty.
type Map struct {
	pairs []pair
	index map[string]int
}

type pair struct {
	key  Value
	name string
	val  Value
}

// Len is the number of names.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.pairs)
}

// Set gives name a value; a name that is there keeps its place.
func (m *Map) Set(name string, v Value) { m.setKey(name, v) }

// Get returns the value of name.
func (m *Map) Get(name string) (Value, bool) { return m.getKey(name) }

// All yields names and values in order. A key that is not a string (only a
// nested mapping can have one) appears as Python's str writes it.
func (m *Map) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if m == nil {
			return
		}
		for _, p := range m.pairs {
			if !yield(p.name, p.val) {
				return
			}
		}
	}
}

// Update sets every name of other, which may be nil, as Python's dict.update:
// nested mappings are replaced whole.
func (m *Map) Update(other *Map) {
	if other == nil {
		return
	}
	for _, p := range other.pairs {
		m.setKey(p.key, p.val)
	}
}

// String is the mapping as Python prints it, secrets as their references.
func (m *Map) String() string { return pyRepr(m) }

func (m *Map) getKey(key Value) (Value, bool) {
	if m == nil {
		return nil, false
	}
	i, ok := m.index[keyHash(key)]
	if !ok {
		return nil, false
	}
	return m.pairs[i].val, true
}

func (m *Map) setKey(key, v Value) {
	if known, err := Of(v); err == nil {
		v = known
	}
	h := keyHash(key)
	if i, ok := m.index[h]; ok {
		m.pairs[i].val = v
		return
	}
	if m.index == nil {
		m.index = map[string]int{}
	}
	m.index[h] = len(m.pairs)
	m.pairs = append(m.pairs, pair{key: key, name: pyStr(key), val: v})
}

// keyHash is equal for keys that Python holds equal.
func keyHash(key Value) string {
	switch k := key.(type) {
	case string:
		return "s" + k
	case bool:
		if k {
			return "n1"
		}
		return "n0"
	case float64:
		if k == math.Trunc(k) && !math.IsInf(k, 0) {
			i, _ := big.NewFloat(k).Int(nil)
			return "n" + i.String()
		}
		return "n" + pyFloat(k)
	default:
		return "n" + pyStr(key)
	}
}

// Of makes a Value of v: int, int32, int64, uint64, *big.Int, float32, float64,
// string, bool, time.Time, []string, []any, map[string]any (its names sorted)
// and Values themselves.
func Of(v any) (Value, error) {
	switch v := v.(type) {
	case nil, bool, float64, string, Date, DateTime, *Map, Secret, int64, []Value:
		return v, nil
	case map[string]any:
		m := new(Map)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			e, err := Of(v[name])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			m.Set(name, e)
		}
		return m, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint64:
		return normInt(new(big.Int).SetUint64(v)), nil
	case float32:
		return float64(v), nil
	case *big.Int:
		return normInt(v), nil
	case time.Time:
		return DateTime{Time: v}, nil
	case []string:
		out := make([]Value, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out, nil
	case []any:
		out := make([]Value, len(v))
		for i := range v {
			e, err := Of(v[i])
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %T is no parameter value", v)
}

func normInt(i *big.Int) Value {
	if i.IsInt64() {
		return i.Int64()
	}
	return i
}

func asBig(v Value) (*big.Int, bool) {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v), true
	case *big.Int:
		return v, true
	}
	return nil, false
}
