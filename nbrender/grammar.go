package nbrender

import (
	"strings"
	"sync"
)

// grammar is what colouring needs to know of a language. Chroma's lexers were
// measured and left: they take 50 KB a second, they give up by the clock, and
// linking them costs every start of the program.
type grammar struct {
	line     []string // marks of comments to the end of the line
	block    [2]string
	quotes   []quote // the longer mark first
	words    map[string]byte
	sigils   string // characters before a name of another colour: @decorator, $variable
	prefixes bool   // letters may stand before a quote
	magics   bool   // lines that begin with % or ! are IPython's
	fold     bool   // words in any case
	dots     bool   // dots belong to names
}

type quote struct {
	open, end string
	escape    bool // a backslash takes the next character along
	lines     bool // goes over line ends
}

var (
	double   = quote{`"`, `"`, true, false}
	single   = quote{`'`, `'`, true, false}
	doubles  = quote{`"`, `"`, true, true}
	singles  = quote{`'`, `'`, true, true}
	backtick = quote{"`", "`", true, true}
	triple   = quote{`"""`, `"""`, true, true}
	triple1  = quote{`'''`, `'''`, true, true}
)

// grammarOf is the grammar of a language by the names that notebooks use for
// it, nil for one that stays without colour.
func grammarOf(language string) *grammar {
	language = strings.ToLower(strings.TrimSpace(language))
	return grammars()[language]
}

var grammars = sync.OnceValue(func() map[string]*grammar {
	made := map[string]*grammar{}
	for _, l := range languages() {
		g := l.grammar
		g.words = map[string]byte{}
		for word := range strings.FieldsSeq(l.keywords) {
			g.words[word] = 'k'
		}
		for word := range strings.FieldsSeq(l.builtins) {
			g.words[word] = 'b'
		}
		for name := range strings.FieldsSeq(l.names) {
			made[name] = &g
		}
	}
	return made
})

type languageTable struct {
	names, keywords, builtins string
	grammar                   grammar
}

// languages are the languages of nearly all notebooks. The keywords are those
// of the languages' own references.
func languages() []languageTable {
	slashes, stars := []string{"//"}, [2]string{"/*", "*/"}
	return []languageTable{
		{
			"python python2 python3 py ipython ipython2 ipython3 pyspark sage gpython",
			"and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield True False None",
			"abs all any bool bytes callable chr classmethod complex dict dir divmod enumerate eval exec filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len list locals map max min next object oct open ord pow print property range repr reversed round self set setattr slice sorted staticmethod str sum super tuple type vars zip Exception KeyError ValueError TypeError RuntimeError IndexError",
			grammar{line: []string{"#"}, quotes: []quote{triple, triple1, double, single}, sigils: "@", prefixes: true, magics: true},
		},
		{
			"r ir", "if else repeat while function for in next break TRUE FALSE NULL NA NaN Inf NA_integer_ NA_real_ NA_character_",
			"c library require print cat paste paste0 length list matrix data.frame factor apply sapply lapply vapply mapply mean sum seq rep names str summary head tail return",
			grammar{line: []string{"#"}, quotes: []quote{doubles, singles, backtick}, dots: true},
		},
		{
			"julia jl ijulia", "abstract baremodule begin break catch const continue do else elseif end export finally for function global if import in isa let local macro module mutable primitive quote return struct try type using where while true false nothing missing",
			"println print length push! map filter sum Int Int64 Float64 String Array Vector Matrix Dict Bool Any",
			grammar{line: []string{"#"}, block: [2]string{"#=", "=#"}, quotes: []quote{triple, double}, sigils: "@"},
		},
		{
			"bash sh shell zsh script ! system", "if then else elif fi case esac for select while until do done in function time coproc",
			"echo cd pwd export source alias unset set read printf test exit return local eval exec trap shift pip conda apt git ls cat mkdir rm cp mv grep sed awk curl wget sudo",
			grammar{line: []string{"#"}, quotes: []quote{doubles, {"'", "'", false, true}, backtick}, sigils: "$"},
		},
		{
			"javascript js node typescript ts deno jslab", "await async break case catch class const continue debugger default delete do else export extends finally for from function if implements import in instanceof interface let new of return static super switch this throw try type typeof var void while with yield true false null undefined",
			"console document window Math JSON Object Array String Number Boolean Promise Map Set Date RegExp Error number string boolean any unknown never",
			grammar{line: slashes, block: stars, quotes: []quote{double, single, backtick}, sigils: "@"},
		},
		{
			"sql postgresql mysql sqlite bigquery duckdb", "select from where group by order having limit offset join inner left right full outer cross on using as and or not in is null like between exists case when then else end union all distinct insert into values update set delete create table view index drop alter add primary key foreign references with recursive over partition asc desc true false",
			"count sum avg min max coalesce cast round abs lower upper length substr substring date timestamp integer int bigint text varchar numeric float boolean",
			grammar{line: []string{"--"}, block: stars, quotes: []quote{{"'", "'", false, true}, {`"`, `"`, false, false}}, fold: true},
		},
		{
			"c c++ cpp c++11 c++14 c++17 c++20 cuda cling", "alignas alignof auto break case catch class const constexpr const_cast continue default delete do dynamic_cast else enum explicit export extern for friend goto if inline mutable namespace new noexcept operator private protected public register reinterpret_cast return sizeof static static_cast struct switch template this throw try typedef typename union using virtual volatile while true false nullptr",
			"int char long short float double void bool unsigned signed size_t string vector map set std cout cin endl printf",
			grammar{line: slashes, block: stars, quotes: []quote{double, single}, sigils: "#"},
		},
		{
			"java groovy scala kotlin beakerx", "abstract assert break case catch class continue def default do else enum extends final finally for fun given goto if implements implicit import instanceof interface lazy match native new object override package private protected public return sealed static strictfp super switch synchronized this throw throws trait transient try type val var volatile when while with yield true false null",
			"Int Long Double Float Boolean String Char Byte Short Unit Any List Map Set Seq Option Some None println int long double float boolean char byte short void System",
			grammar{line: slashes, block: stars, quotes: []quote{triple, double, single}, sigils: "@"},
		},
		{
			"csharp c# .net-csharp polyglot-notebook fsharp f# .net-fsharp", "abstract as async await base break case catch class const continue default delegate do else enum event explicit extern finally fixed for foreach fun goto if implicit in interface internal is let lock match module mutable namespace new null of open operator out override params private protected public readonly rec record ref return sealed static struct switch then this throw true try type typeof unsafe using var virtual volatile when while with yield false",
			"bool byte char decimal double float int long object sbyte short string uint ulong ushort void Console printfn List Dictionary",
			grammar{line: slashes, block: stars, quotes: []quote{triple, {`@"`, `"`, false, true}, double, single}},
		},
		{
			"go gonb golang", "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var true false nil iota",
			"append cap clear close copy delete len make max min new panic print println recover any bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 fmt",
			grammar{line: slashes, block: stars, quotes: []quote{double, single, {"`", "`", false, true}}},
		},
		{
			"rust evcxr", "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while",
			"bool char f32 f64 i8 i16 i32 i64 isize str u8 u16 u32 u64 usize String Vec Option Some None Result Ok Err Box println format vec",
			grammar{line: slashes, block: stars, quotes: []quote{doubles}, sigils: "#"},
		},
		{
			"ruby iruby", "alias and begin break case class def defined? do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield",
			"puts print p require require_relative attr_accessor attr_reader new each map",
			grammar{line: []string{"#"}, quotes: []quote{doubles, singles}, sigils: "@$:"},
		},
		{
			"matlab octave", "break case catch classdef continue else elseif end endfunction endif endwhile endfor for function global if otherwise parfor persistent return spmd switch try while true false",
			"disp fprintf plot zeros ones size length numel sum mean figure",
			grammar{line: []string{"%", "#"}, block: [2]string{"%{", "%}"}, quotes: []quote{double}},
		},
		{
			"haskell ihaskell", "case class data default deriving do else foreign if import in infix infixl infixr instance let module newtype of then type where",
			"Int Integer Double Float Bool String Char Maybe Just Nothing Either Left Right IO True False map filter print putStrLn",
			grammar{line: []string{"--"}, block: [2]string{"{-", "-}"}, quotes: []quote{double}},
		},
		{
			"json", "true false null", "", grammar{quotes: []quote{double}},
		},
		{
			"yaml yml toml ini", "true false null yes no", "", grammar{line: []string{"#"}, quotes: []quote{double, single}},
		},
		{
			"css scss", "important", "", grammar{block: stars, quotes: []quote{double, single}, sigils: "@#."},
		},
		{
			"html xml svg", "", "", grammar{block: [2]string{"<!--", "-->"}, quotes: []quote{doubles, singles}},
		},
		{
			"latex tex", "", "", grammar{line: []string{"%"}, sigils: `\`},
		},
	}
}
