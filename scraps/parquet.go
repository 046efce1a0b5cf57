package scraps

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"assay/nbformat"
)

// parquetTable reads a DataFrame that pyarrow wrote. The library below panics
// on some damaged files; that is the file's fault and becomes an error.
func parquetTable(encoded string, l Limits) (t *Table, err error) {
	if int64(len(encoded)) > l.MaxBytes {
		return nil, fmt.Errorf("its Parquet data has %d bytes, allowed are %d", len(encoded), l.MaxBytes)
	}
	data, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, encoded))
	if err != nil {
		return nil, fmt.Errorf("its Parquet data is not base64: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("its Parquet data is damaged: %v", p)
		}
	}()
	if !footerFits(data) {
		return nil, errors.New("its Parquet data is damaged: the footer does not fit into the file")
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("its Parquet data is damaged: %w", err)
	}
	if err := withinLimits(f, l); err != nil {
		return nil, err
	}
	return readRows(f, l)
}

// footerFits checks the footer's length, for which the library sets memory
// aside unseen: four bytes, little endian, and the magic PAR1 end the file.
func footerFits(data []byte) bool {
	const frame = len("PAR1") + 4 + len("PAR1")
	if len(data) < frame {
		return false
	}
	return uint64(binary.LittleEndian.Uint32(data[len(data)-8:])) <= uint64(len(data)-frame)
}

func dropSpace(r rune) rune {
	if r == '\n' || r == '\r' || r == ' ' {
		return -1
	}
	return r
}

// withinLimits goes by what the file says of itself; readRows counts again.
func withinLimits(f *parquet.File, l Limits) error {
	var size int64
	for _, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			// The other codecs can unpack to a thousand times their size, and
			// what a page says of its size binds nobody. pyarrow packs with Snappy.
			if codec := c.MetaData.Codec; codec != format.Uncompressed && codec != format.Snappy {
				return fmt.Errorf("its Parquet data is packed with %v; assay unpacks Snappy, which scrapbook uses", codec)
			}
			if c.MetaData.TotalUncompressedSize < 0 || size > l.MaxBytes {
				break
			}
			size += c.MetaData.TotalUncompressedSize
		}
	}
	if size > l.MaxBytes {
		return fmt.Errorf("its columns unpack to %d bytes, allowed are %d", size, l.MaxBytes)
	}
	if n := f.NumRows(); n < 0 || n > int64(l.MaxCells/max(1, len(f.Root().Columns()))) {
		return fmt.Errorf("it has %d rows of %d columns, allowed are %d cells", n, len(f.Root().Columns()), l.MaxCells)
	}
	return nil
}

func readRows(f *parquet.File, l Limits) (*Table, error) {
	about := pandasMetadata(f)
	shapes := shapesOf(f.Root())
	t := &Table{Columns: []Column{}, Rows: make([][]any, 0, min(f.NumRows(), 1<<16))}
	for _, s := range shapes {
		t.Columns = append(t.Columns, about.column(s))
	}
	leaves := len(f.Schema().Columns())
	buf := make([]parquet.Row, 64)
	cells := 0
	for _, group := range f.RowGroups() {
		if group.NumRows() == 0 { // it has no pages to seek to
			continue
		}
		rows := group.Rows()
		for done := false; !done; {
			n, err := rows.ReadRows(buf)
			done = err != nil || n == 0
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, errors.Join(fmt.Errorf("its Parquet data is damaged: %w", err), rows.Close())
			}
			for _, r := range buf[:n] {
				if cells += len(r); cells > l.MaxCells {
					return nil, errors.Join(fmt.Errorf("it has more than the %d values allowed", l.MaxCells), rows.Close())
				}
				t.Rows = append(t.Rows, assemble(shapes, leaves, r))
			}
		}
		if err := rows.Close(); err != nil {
			return nil, fmt.Errorf("its Parquet data is damaged: %w", err)
		}
	}
	return about.order(t), nil
}

// frame is what pandas says about the columns, in the file's metadata under
// the key pandas: which are its index, and which durations.
// https://pandas.pydata.org/docs/development/developer.html
type frame struct {
	index  []string          // field names, in order
	types  map[string]string // field name -> numpy type
	labels map[string]string // field name -> the column's own name, for an index
}

func pandasMetadata(f *parquet.File) frame {
	fr := frame{types: map[string]string{}, labels: map[string]string{}}
	text, _ := f.Lookup("pandas")
	v, err := nbformat.ParseValue([]byte(text))
	if err != nil {
		return fr // not from pandas
	}
	for _, x := range v.Get("index_columns").Elems() {
		if x.Kind() == nbformat.String { // an object is a counter that is not stored
			fr.index = append(fr.index, x.Text())
		}
	}
	for _, c := range v.Get("columns").Elems() {
		field := c.Get("field_name").Text()
		fr.types[field] = c.Get("numpy_type").Text()
		if name := c.Get("name"); name.Kind() == nbformat.String {
			fr.labels[field] = name.Text()
		}
	}
	return fr
}

// column describes the column of a field, and tells its shape about durations,
// which Parquet has no type for.
func (fr frame) column(s *shape) Column {
	if unit, ok := strings.CutPrefix(fr.types[s.name], "timedelta64["); ok {
		s.duration = strings.TrimSuffix(unit, "]")
		s.kind = "duration"
	}
	c := Column{Name: s.name, Type: s.kind}
	if i := slices.Index(fr.index, s.name); i >= 0 {
		c.Index = true
		if _, named := fr.labels[s.name]; !named {
			c.Name = "index"
			if len(fr.index) > 1 {
				c.Name = fmt.Sprintf("level_%d", i)
			}
		}
	}
	return c
}

// order puts the index first, where pandas shows it; Parquet has it last.
func (fr frame) order(t *Table) *Table {
	var front, back []int
	for i, c := range t.Columns {
		if c.Index {
			front = append(front, i)
		} else {
			back = append(back, i)
		}
	}
	if len(front) == 0 {
		return t
	}
	places := append(front, back...)
	t.Columns = arranged(t.Columns, places)
	for i, row := range t.Rows {
		t.Rows[i] = arranged(row, places)
	}
	return t
}

func arranged[T any](in []T, places []int) []T {
	out := make([]T, len(places))
	for i, p := range places {
		out[i] = in[p]
	}
	return out
}
