package params

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode/utf16"
)

// Scala, C# and F#.

const scalaReserved = `abstract case catch class def do else enum export extends false final finally for forSome given if
implicit import lazy macro match new null object override package private protected return sealed super then this throw trait
try true type val var while with yield _`

func scala() *language {
	l := compatLanguage("scala")
	l.str = must(func(s string) string { return quote(s, `"`, utf16Escape) })
	l.integer = longOr(func(i *big.Int) string { return `BigInt("` + i.String() + `")` })
	l.float = func(f float64) string {
		return specialFloat(f, "Double.NaN", "Double.PositiveInfinity", "Double.NegativeInfinity")
	}
	l.list = func(items []Value, codes []string) (string, error) {
		open := "Seq("
		if mixedNumbers(items) {
			open = "Seq[Any](" // else Scala widens them to one type
		}
		return open + strings.Join(codes, ", ") + ")", nil
	}
	l.checkName = names("Scala", letter, letterDigit, scalaReserved)
	l.date = func(d Date) (string, error) { return `java.time.LocalDate.parse("` + d.String() + `")`, nil }
	l.datetime = func(d DateTime) (string, error) {
		if d.Naive {
			return `java.time.LocalDateTime.parse("` + d.iso("T") + `")`, nil
		}
		return `java.time.OffsetDateTime.parse("` + d.iso("T") + `")`, nil
	}
	return l
}

// utf16Escape is \uXXXX for each UTF-16 unit, and \" for the mark.
func utf16Escape(r rune) string {
	if r == '"' {
		return `\"`
	}
	if r > 0xffff {
		hi, lo := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, hi, lo)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// longOr writes int32 plain, int64 with an L, and anything larger by big.
func longOr(huge func(*big.Int) string) func(*big.Int) (string, error) {
	return func(i *big.Int) (string, error) {
		if i.IsInt64() {
			return compatLong(i)
		}
		return huge(i), nil
	}
}

const csharpReserved = `abstract as base bool break byte case catch char checked class const continue decimal default delegate do
double else enum event explicit extern false finally fixed float for foreach goto if implicit in int interface internal is lock long
namespace new null object operator out override params private protected public readonly ref return sbyte sealed short sizeof
stackalloc static string struct switch this throw true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while`

func csharp() *language {
	l := compatLanguage("csharp")
	l.nonull, l.null = "", "null"
	l.str = must(csharpString)
	l.integer = longOr(func(i *big.Int) string { return `System.Numerics.BigInteger.Parse("` + i.String() + `")` })
	l.float = func(f float64) string {
		return specialFloat(f, "double.NaN", "double.PositiveInfinity", "double.NegativeInfinity")
	}
	l.list = func(items []Value, codes []string) (string, error) {
		open := "new [] { "
		if csharpType([]Value(items)) == "object[]" {
			open = "new object[] { " // no best type to infer
		}
		return open + strings.Join(codes, ", ") + " }", nil
	}
	l.assign = func(name, code, _ string) string {
		if code == "null" {
			return "object " + name + " = null;" // var has no type to take from null
		}
		return "var " + name + " = " + code + ";"
	}
	l.checkName = names("C#", letter, letterDigit, csharpReserved)
	l.date = func(d Date) (string, error) {
		return fmt.Sprintf("new DateOnly(%d, %d, %d)", d.Year, d.Month, d.Day), nil
	}
	l.datetime = func(d DateTime) (string, error) { return dotnetTime(d), nil }
	return l
}

func dotnetTime(d DateTime) string {
	kind := "System.DateTimeOffset"
	if d.Naive {
		kind = "System.DateTime"
	}
	return kind + `.Parse("` + d.iso("T") + `", System.Globalization.CultureInfo.InvariantCulture)`
}

// csharpString uses \xNN only where no hexadecimal digit follows: in C# that
// escape takes up to four digits.
func csharpString(s string) string {
	runes := []rune(s)
	i := -1
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range runes {
		i++
		next := byte(0)
		if i+1 < len(runes) && runes[i+1] < 0x80 {
			next = byte(runes[i+1])
		}
		switch {
		case r == '"':
			b.WriteString(`\"`)
		case (r < ' ' || r > '~') && r <= 0xff && r != '\n' && r != '\r' && r != '\t' && isHex(next):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(unicodeEscape(string(r)))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// csharpType is the type C# gives the value; a list without a common type of
// its elements is an object[].
func csharpType(v Value) string {
	switch v := v.(type) {
	case []Value:
		common := ""
		for _, e := range v {
			t := csharpType(e)
			switch {
			case common == "" || t == common:
				common = t
			case t == "int" && common == "long", t == "long" && common == "int":
				common = "long"
			default:
				return "object[]"
			}
		}
		if common == "" || common == "null" {
			return "object[]"
		}
		return common + "[]"
	case *Map:
		return "Dictionary"
	case int64:
		if isInt32(big.NewInt(v)) {
			return "int"
		}
		return "long"
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T", v)
}

const fsharpReserved = `abstract and as assert base begin class default delegate do done downcast downto elif else end exception
extern false finally fixed for fun function global if in inherit inline interface internal lazy let match member module mutable
namespace new null of open or override private public rec return sig static struct then to true try type upcast use val void when
while with yield const _`

func fsharp() *language {
	l := compatLanguage("fsharp")
	l.integer = longOr(func(i *big.Int) string { return i.String() + "I" })
	l.float = func(f float64) string { return specialFloat(f, "nan", "infinity", "-infinity") }
	l.list = func(items []Value, codes []string) (string, error) {
		if !fsharpUniform(items) { // a list holds one type: box the elements
			for i, e := range items {
				codes[i] = "box " + parenthesise(codes[i])
				if e == nil {
					codes[i] = "null"
				}
			}
		}
		return "[ " + strings.Join(codes, "; ") + " ]", nil
	}
	dict := l.dict
	l.dict = func(m *Map, keys, codes []string) (string, error) {
		if len(keys) == 0 {
			return "Map.empty<string, IComparable>", nil // [ ] gives it no types
		}
		i := 0
		for _, e := range m.All() {
			if e == nil {
				codes[i] = "(null : IComparable)"
			}
			if _, nested := e.([]Value); nested && strings.Contains(codes[i], "box ") {
				return "", errors.New("a mapping in F# cannot hold a list of mixed types; pass it as one JSON text (-r)")
			}
			i++
		}
		return dict(m, keys, codes)
	}
	l.checkName = names("F#", letter, func(r rune) bool { return r == '\'' || letterDigit(r) }, fsharpReserved)
	l.date = func(d Date) (string, error) {
		return fmt.Sprintf("System.DateOnly(%d, %d, %d)", d.Year, d.Month, d.Day), nil
	}
	l.datetime = func(d DateTime) (string, error) { return dotnetTime(d), nil }
	return l
}

func parenthesise(code string) string {
	if strings.ContainsAny(code, " -(") && !strings.HasPrefix(code, `"`) {
		return "(" + code + ")"
	}
	return code
}

func fsharpUniform(items []Value) bool {
	for _, e := range items {
		if e == nil || csharpType(e) != csharpType(items[0]) || csharpType(e) == "object[]" && len(e.([]Value)) > 0 {
			return false
		}
	}
	return true
}
