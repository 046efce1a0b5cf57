package percent

import (
	"path/filepath"
	"slices"
	"strings"

	"assay/nbformat"
)

// A scriptKind is one script extension: the language it stands for and how a
// comment is written in it. suffix is set where only block comments exist.
type scriptKind struct {
	ext, language, comment, suffix string
}

// scripts is jupytext's table, in its order: where two extensions have one
// language, the first is the one chosen for a notebook.
var scripts = []scriptKind{
	{".py", "python", "#", ""},
	{".coco", "coconut", "#", ""},
	{".R", "R", "#", ""},
	{".r", "R", "#", ""},
	{".jl", "julia", "#", ""},
	{".cpp", "c++", "//", ""},
	{".ss", "scheme", ";;", ""},
	{".clj", "clojure", ";;", ""},
	{".scm", "scheme", ";;", ""},
	{".sh", "bash", "#", ""},
	{".ps1", "powershell", "#", ""},
	{".q", "q", "/", ""},
	{".m", "matlab", "%", ""},
	{".wolfram", "wolfram language", "(*", "*)"},
	{".pro", "idl", ";", ""},
	{".js", "javascript", "//", ""},
	{".ts", "typescript", "//", ""},
	{".scala", "scala", "//", ""},
	{".rs", "rust", "//", ""},
	{".robot", "robotframework", "#", ""},
	{".resource", "robotframework", "#", ""},
	{".cs", "csharp", "//", ""},
	{".fsx", "fsharp", "//", ""},
	{".fs", "fsharp", "//", ""},
	{".sos", "sos", "#", ""},
	{".java", "java", "//", ""},
	{".groovy", "groovy", "//", ""},
	{".sage", "sage", "#", ""},
	{".ml", "ocaml", "(*", "*)"},
	{".hs", "haskell", "--", ""},
	{".tcl", "tcl", "#", ""},
	{".mac", "maxima", "/*", "*/"},
	{".gp", "gnuplot", "#", ""},
	{".do", "stata", "//", ""},
	{".sas", "sas", "/*", "*/"},
	{".jenner", "jenner", "/*", "*/"},
	{".xsh", "xonsh", "#", ""},
	{".lgt", "logtalk", "%", ""},
	{".logtalk", "logtalk", "%", ""},
	{".lua", "lua", "--", ""},
	{".go", "go", "//", ""},
}

// magicLanguages are the names, besides those of scripts, that make `%%name`
// on the first line of a cell a change of language.
var magicLanguages = []string{
	"sh", "python2", "python3", "js", "perl", "html", "latex", "markdown", "pypy", "ruby", "script", "svg",
	"octave", "spark", "sql", "cython", "c#", "f#", "cs", "fs",
}

// Extensions are the script extensions, dot included, in the order of the table.
func Extensions() []string {
	exts := make([]string, len(scripts))
	for i, k := range scripts {
		exts[i] = k.ext
	}
	return exts
}

// IsScript says whether the file name has the extension of a script.
func IsScript(path string) bool {
	_, ok := kindOf(filepath.Ext(path))
	return ok
}

// Language is the language of scripts with extension ext, "" when there is none.
func Language(ext string) string {
	k, _ := kindOf(ext)
	return k.language
}

// Extension is the script extension that suits the notebook's language, ""
// when the notebook does not tell.
func Extension(d *nbformat.Document) string {
	ext := autoExtension(notebookObject(d.Metadata(), false))
	if _, ok := kindOf(ext); ok {
		return ext
	}
	for _, k := range scripts {
		if name := d.Language(); name != "" && sameLanguage(name, k.language) {
			return k.ext
		}
	}
	return ""
}

// autoExtension is what "auto" stands for in metadata.jupytext.formats.
func autoExtension(meta *object) string {
	ext, _ := meta.object("language_info").text("file_extension")
	language, _ := meta.object("kernelspec").text("language")
	if ext == ".py" && language == "sage" {
		ext = ".sage"
	}
	if !meta.object("language_info").has("file_extension") {
		if language == "" {
			language, _ = meta.object("jupytext").text("main_language")
		}
		for _, k := range scripts {
			if language != "" && sameLanguage(language, k.language) {
				ext = k.ext
				break
			}
		}
	}
	switch ext {
	case ".r":
		return ".R"
	case ".fs":
		return ".fsx"
	case ".resource":
		return ".robot"
	case ".C": // ROOT's C++ notebooks
		return ".cpp"
	}
	return ext
}

func kindOf(ext string) (scriptKind, bool) {
	for _, k := range scripts {
		if k.ext == ext {
			return k, true
		}
	}
	return scriptKind{}, false
}

// commentOf is the line comment of a language of the table.
func commentOf(language string) (string, bool) {
	for _, k := range scripts {
		if k.language == language {
			return k.comment, true
		}
	}
	return "", false
}

func isMagicLanguage(name string) bool {
	_, ok := commentOf(name)
	return ok || slices.Contains(magicLanguages, name)
}

// usualName maps the names a language goes by to the one in the table. "sas"
// has never been among them: SAS code has no magics.
func usualName(language string) string {
	switch l := strings.ToLower(language); {
	case l == "r":
		return "R"
	case strings.HasPrefix(l, "c++"):
		return "c++"
	case l == "octave":
		return "matlab"
	case l == "cs", l == "c#":
		return "csharp"
	case l == "fs", l == "f#":
		return "fsharp"
	case l == "sas":
		return "SAS"
	default:
		return l
	}
}

func sameLanguage(a, b string) bool { return usualName(a) == usualName(b) }

// mainLanguage is the language that code cells have when nothing else is said.
func mainLanguage(meta *object, kind scriptKind) string {
	language, _ := meta.object("jupytext").text("main_language")
	if language == "" {
		language = kernelLanguage(meta, kind)
	}
	switch {
	case language == "R" || language == "sas":
		return language
	case strings.HasPrefix(language, "C++"):
		return "c++"
	}
	return strings.ReplaceAll(strings.ToLower(language), "#", "sharp")
}

func kernelLanguage(meta *object, kind scriptKind) string {
	if l, _ := meta.object("kernelspec").text("language"); l != "" {
		return l
	}
	return kind.language
}

// cellMagic splits `%%lang args`, the first line of a cell in another language.
func cellMagic(line, mainLanguage string, custom []string) (language, args string, ok bool) {
	if mainLanguage == "csharp" {
		rest, found := strings.CutPrefix(line, "#!")
		language = strip(rest)
		return language, "", found && isMagicLanguage(language)
	}
	rest, found := strings.CutPrefix(line, "%%")
	if !found || mainLanguage == "go" && isGonbCommand(line) {
		return "", "", false
	}
	language, args, _ = strings.Cut(rest, " ")
	ok = language != "" && (isMagicLanguage(language) || slices.Contains(custom, language))
	return language, args, ok
}
