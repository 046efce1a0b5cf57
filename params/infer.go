package params

import (
	"slices"
	"strings"
)

// literalType is the type of a value that is a literal, in Python's words for
// every language: int, float, str, bool, list, dict, tuple, set, "" for others.
func literalType(language string, toks []scanToken) string {
	if len(toks) > 1 && toks[0].kind == tokOp && (toks[0].text == "-" || toks[0].text == "+") {
		if t := literalType(language, toks[1:]); t == "int" || t == "float" {
			return t
		}
		return ""
	}
	if len(toks) == 0 {
		return ""
	}
	first := toks[0]
	if language == "bash" { // all is text there, but for arrays
		if first.text == "(" {
			return "list"
		}
		return ""
	}
	switch {
	case allStrings(toks) && (len(toks) == 1 || language == "python"):
		if prefix := strings.ToLower(first.text[:strings.IndexAny(first.text, "\"'`")]); strings.Contains(prefix, "b") {
			return "bytes"
		}
		return "str"
	case len(toks) == 1 && first.kind == tokNumber:
		return numberType(language, first.text)
	case len(toks) == 1:
		return wordType(first.text)
	case language == "python":
		return bracketType(toks)
	}
	return otherType(language, toks)
}

// otherType reads the collections of languages other than Python.
func otherType(language string, toks []scanToken) string {
	first, second := toks[0].text, toks[1].text
	switch {
	case first == "[" && closes(toks):
		return "list"
	case !closes(toks[1:]) && !closes(toks):
		return ""
	case language == "julia" && first == "Dict", language == "scala" && first == "Map":
		return "dict"
	case language == "scala" && (first == "Seq" || first == "List"), language == "matlab" && first == "{":
		return "list"
	case language == "powershell" && first == "@":
		return map[string]string{"(": "list", "{": "dict"}[second]
	case (language == "javascript" || language == "typescript") && first == "{":
		return "dict"
	}
	return ""
}

func allStrings(toks []scanToken) bool {
	return !slices.ContainsFunc(toks, func(t scanToken) bool { return t.kind != tokString })
}

func numberType(language, s string) string {
	s = strings.ToLower(s)
	hex := strings.HasPrefix(s, "0x")
	switch {
	case strings.HasSuffix(s, "j") && !hex:
		return "complex"
	case !hex && strings.ContainsAny(s, ".e"), language == "rust" && strings.Contains(s, "f64"):
		return "float"
	case slices.Contains([]string{"R", "matlab", "javascript", "typescript"}, language):
		return "float" // these have one type of number
	}
	return "int"
}

func wordType(s string) string {
	switch s {
	case "True", "False", "true", "false", "TRUE", "FALSE", "$true", "$false", "$True", "$False":
		return "bool"
	}
	return ""
}

// closes reports that the first bracket is closed by the last token.
func closes(toks []scanToken) bool {
	depth := 0
	for i, t := range toks {
		switch t.text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return i == len(toks)-1
			}
		}
	}
	return false
}

// bracketType reads Python's displays and the calls of its type names.
func bracketType(toks []scanToken) string {
	inner := func(toks []scanToken, op string) bool { return topLevel(toks[1:len(toks)-1], op) }
	switch {
	case toks[0].kind == tokName && toks[1].text == "(" && closes(toks[1:]):
		if slices.Contains([]string{"int", "float", "str", "bool", "list", "dict", "tuple", "set", "date", "datetime"}, toks[0].text) {
			return toks[0].text
		}
		return ""
	case !closes(toks):
		return ""
	case toks[0].text == "[":
		return "list"
	case toks[0].text == "{":
		if len(toks) == 2 || inner(toks, ":") || toks[1].text == "**" {
			return "dict"
		}
		return "set"
	case toks[0].text == "(":
		if len(toks) == 2 || inner(toks, ",") {
			return "tuple"
		}
		return literalType("python", toks[1:len(toks)-1])
	}
	return ""
}
