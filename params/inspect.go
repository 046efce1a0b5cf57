package params

import (
	"slices"
	"strings"
)

// inspectLanguage finds the plain assignments at the top level of a cell.
func inspectLanguage(language, src string) []Parameter {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	if language == "python" && otherLanguage(src) {
		return nil
	}
	sx := syntaxOf(language)
	var params []Parameter
	base := -1
	skipLine := false
	for _, st := range scanStatements(src, sx) {
		if base < 0 {
			base = max(st.indent, 0) // IPython takes a common indent off
		}
		if st.indent >= 0 {
			// A soft keyword can be a name: match = 1.
			named := len(st.tokens) > 1 && st.tokens[1].text == "="
			skipLine = st.indent > base || !named && slices.Contains(blockWords(language), st.tokens[0].text)
		}
		if skipLine {
			continue // inside a block: it may not run, or run often
		}
		for _, p := range assignment(language, src, &st) {
			p.Line = st.line
			params = append(params, p)
		}
	}
	return params
}

func syntaxOf(language string) syntax {
	sx := syntax{comment: []string{"#"}, quotes: `"'`, escape: '\\', separator: true, ops: operators()}
	switch language {
	case "python":
		sx.triple, sx.joined, sx.magics = true, '\\', "%!?"
	case "R":
		sx.name, sx.multiline, sx.quotes = ".", true, "\"'`"
	case "julia":
		sx.triple, sx.quotes, sx.multiline, sx.block, sx.name = true, `"`, true, [2]string{"#=", "=#"}, "!"
	case "bash":
		sx.multiline, sx.joined = true, '\\'
	case "matlab":
		sx.comment, sx.escape, sx.block = []string{"%"}, 0, [2]string{"%{\n", "\n%}"}
	case "powershell":
		sx.escape, sx.multiline, sx.block, sx.name, sx.joined = '`', true, [2]string{"<#", "#>"}, "$", '`'
	case "fsharp":
		sx.comment, sx.block, sx.quotes, sx.triple, sx.multiline = []string{"//"}, [2]string{"(*", "*)"}, `"`, true, true
	case "scala":
		sx.comment, sx.block, sx.quotes, sx.triple = []string{"//"}, [2]string{"/*", "*/"}, `"`, true
	case "csharp":
		sx.comment, sx.block = []string{"//"}, [2]string{"/*", "*/"}
	case "rust":
		sx.comment, sx.block, sx.quotes, sx.multiline = []string{"//"}, [2]string{"/*", "*/"}, `"`, true
	case "javascript", "typescript":
		sx.comment, sx.block, sx.quotes, sx.name = []string{"//"}, [2]string{"/*", "*/"}, "\"'`", "$"
		sx.multiline = true
	}
	return sx
}

func operators() []string {
	return []string{
		"<<-", "**=", "//=", "<<=", ">>=", "===", "!==", "...",
		"==", "!=", "<=", ">=", ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=",
		"<-", "->", "=>", "**", "//", "<<", ">>", "&&", "||", "::", "??",
	}
}

// blockWords begin a statement whose assignments do not count.
func blockWords(language string) []string {
	switch language {
	case "python":
		return strings.Fields("if elif else for while try except finally with def class async match case import from return del global nonlocal assert raise pass break continue @ lambda not")
	case "bash":
		return strings.Fields("if then elif else fi for while until case function do done")
	case "julia":
		return strings.Fields("if for while function struct begin let module macro try mutable using import")
	}
	return strings.Fields("if for while function class struct fn def impl switch match try repeat import use using open")
}

// otherLanguage reports a cell magic that makes the cell something else than
// Python: any but the timing ones.
func otherLanguage(src string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(src), "\n")
	word, _, _ = strings.Cut(word, " ")
	return strings.HasPrefix(word, "%%") && !slices.Contains([]string{"%%time", "%%timeit", "%%capture", "%%prun"}, word)
}

// assignment reads one statement: NAME [: TYPE] = VALUE in the language's form.
func assignment(language, src string, st *statement) []Parameter {
	i, declare := 0, ""
	toks := st.tokens
	at := func(i int) string {
		if i < len(toks) {
			return toks[i].text
		}
		return ""
	}
	for i < len(toks) && slices.Contains(declarers(language), toks[i].text) {
		if declare == "" || declare == "export" && needsDeclarer(language) {
			declare = toks[i].text
		}
		i++
	}
	if needsDeclarer(language) && declare == "" {
		return nil
	}
	if language == "powershell" && at(i) == "[" { // [int]$n = 1
		for i < len(toks) && at(i) != "]" {
			i++
		}
		i++
	}
	if i >= len(toks) || toks[i].kind != tokName || language == "python" && slices.Contains(strings.Fields(pythonKeywords), at(i)) {
		return nil
	}
	if language == "powershell" && !strings.HasPrefix(at(i), "$") {
		return nil
	}
	if language == "csharp" && len(toks) > i+1 && toks[i+1].kind == tokName && at(i+2) == "=" {
		i++ // int n = 1
	} else if language == "csharp" && declare == "" {
		return nil
	}
	p := Parameter{Name: strings.TrimPrefix(at(i), "$"), declare: declare}
	if language != "powershell" {
		p.Name = at(i)
	}
	names := []string{p.Name}
	i++
	if at(i) == ":" || language == "julia" && at(i) == "::" {
		j := typeEnd(toks, i+1)
		p.Type = unquote(st.text(src, i+1, j-1))
		p.Annotated = p.Type != ""
		i = j
	}
	last := len(toks) - 1
	if i > last && p.Annotated && language == "python" {
		return []Parameter{withComment(p, st.comment)} // declared, with no default
	}
	if at(i) != "=" && (language != "R" || at(i) != "<-") || i == last && language != "bash" {
		return nil
	}
	if language == "bash" && !oneWord(toks[i-1:]) {
		return nil // a command, or a value for one command
	}
	i++
	for language == "python" && i+1 < last && toks[i].kind == tokName && at(i+1) == "=" && !p.Annotated {
		names = append(names, at(i)) // a = b = 1
		i += 2
	}
	if language == "python" && chained(toks[i:]) {
		return nil // a = b.c = 1
	}
	p.Default = st.text(src, i, last)
	if !p.Annotated {
		p.Type = literalType(language, toks[i:])
	}
	p = withComment(p, st.comment)
	var out []Parameter
	for _, name := range names {
		p.Name = name
		out = append(out, p)
	}
	return out
}

func declarers(language string) []string {
	switch language {
	case "javascript", "typescript":
		return []string{"export", "let", "const", "var"}
	case "rust":
		return []string{"let", "mut"}
	case "scala":
		return []string{"val", "var", "lazy"}
	case "fsharp":
		return []string{"let", "mutable"}
	case "csharp":
		return []string{"var", "const"}
	case "julia":
		return []string{"const", "global"}
	case "bash":
		return []string{"export", "readonly"}
	}
	return nil
}

func needsDeclarer(language string) bool {
	return slices.Contains([]string{"javascript", "typescript", "rust", "scala", "fsharp"}, language)
}

// typeEnd is the index of the = that ends a type, or of the end.
func typeEnd(toks []scanToken, i int) int {
	depth := 0
	for ; i < len(toks); i++ {
		switch toks[i].text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case "=":
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// oneWord reports that no space stands between the tokens, but in brackets.
func oneWord(toks []scanToken) bool {
	depth := 0
	for i, t := range toks {
		if i > 0 && depth == 0 && t.start != toks[i-1].end {
			return false
		}
		switch t.text {
		case "(", "{":
			depth++
		case ")", "}":
			depth--
		}
	}
	return true
}

// chained reports another = that assigns: not a default in a lambda, and not
// an argument's.
func chained(toks []scanToken) bool {
	for i, t := range toks {
		if t.text == "lambda" {
			return topLevel(toks[:i], "=")
		}
	}
	return topLevel(toks, "=")
}

func topLevel(toks []scanToken, op string) bool {
	depth := 0
	for _, t := range toks {
		switch t.text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case op:
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

// withComment takes the type and the help from a comment: "# type: T help".
func withComment(p Parameter, comment string) Parameter {
	text := strings.TrimFunc(strings.TrimLeft(comment, "#/%"), pySpace)
	if rest, ok := strings.CutPrefix(text, "type:"); ok {
		rest = strings.TrimLeftFunc(rest, pySpace)
		n, depth := 0, 0
		for n < len(rest) && (depth > 0 || rest[n] != ' ' && rest[n] != '\t') {
			switch rest[n] {
			case '[', '(':
				depth++
			case ']', ')':
				depth--
			}
			n++
		}
		// "type: ignore" speaks to a type checker.
		if kind := rest[:n]; kind != "" && !p.Annotated && !strings.HasPrefix(kind, "ignore") {
			p.Type, p.Annotated = kind, true
		}
		text = strings.TrimFunc(rest[n:], pySpace)
	}
	p.Help = text
	return p
}
