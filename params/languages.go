package params

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// findLanguage looks the kernel's name up, then the language's, as papermill
// does. Beyond papermill's own names it knows the usual ones, in any case.
func findLanguage(o CodeOptions) (*language, error) {
	for _, key := range []string{o.Kernel, o.Language} {
		if name := papermillName(key); name != "" {
			if o.Compat {
				return compatLanguage(name), nil
			}
			return rightLanguage(name), nil
		}
	}
	for _, key := range []string{o.Language, o.Kernel} {
		if name := otherName(key); name != "" {
			return rightLanguage(name), nil
		}
	}
	return nil, fmt.Errorf("no parameters can be written for kernel %q or language %q: the languages known are %s; choose one with --language",
		o.Kernel, o.Language, strings.Join(Languages(), ", "))
}

// papermillName maps the keys under which papermill registers its translators.
func papermillName(key string) string {
	switch key {
	case "python", "R", "scala", "julia", "matlab", "bash":
		return key
	case ".net-csharp", ".net-fsharp", ".net-powershell":
		return strings.TrimPrefix(key, ".net-")
	case "pysparkkernel":
		return "python"
	case "sparkkernel":
		return "scala"
	case "sparkrkernel":
		return "R"
	}
	return ""
}

// otherName maps names that papermill does not know.
func otherName(key string) string {
	switch strings.ToLower(key) {
	case "python", "python3", "python2", "ipython", "xpython", "xeus-python", "pyspark", "pyspark3kernel", "sage", "sagemath":
		return "python"
	case "r", "ir", "xr", "sparkr":
		return "R"
	case "scala", "almond", "spark", "spylon-kernel", "apache_toree_scala":
		return "scala"
	case "julia":
		return "julia"
	case "matlab", "jupyter_matlab_kernel", "imatlab":
		return "matlab"
	case "c#", "csharp":
		return "csharp"
	case "f#", "fsharp", "ifsharp":
		return "fsharp"
	case "powershell", "pwsh":
		return "powershell"
	case "bash", "sh", "shell":
		return "bash"
	case "rust", "evcxr":
		return "rust"
	case "typescript", "deno", "ts", "tslab":
		return "typescript"
	case "javascript", "js", "node", "nodejs", "jslab", "ijavascript":
		return "javascript"
	}
	if strings.HasPrefix(strings.ToLower(key), "julia-") {
		return "julia" // kernelspecs are julia-1.10 and so on
	}
	return ""
}

func rightLanguage(name string) *language {
	switch name {
	case "python":
		return python()
	case "R":
		return rlang()
	case "scala":
		return scala()
	case "julia":
		return julia()
	case "matlab":
		return matlab()
	case "csharp":
		return csharp()
	case "fsharp":
		return fsharp()
	case "powershell":
		return powershell()
	case "bash":
		return bash()
	case "rust":
		return rust()
	}
	return ecmascript(name)
}

// names makes a check of variable names: the characters that may begin one and
// go on, and the words that may not be one.
func names(language string, first, rest func(rune) bool, reserved string) func(string) error {
	return func(name string) error {
		ok := name != ""
		for i, r := range name {
			ok = ok && (first(r) || i > 0 && rest(r))
		}
		switch {
		case !ok:
			return fmt.Errorf("this is not a variable name in %s", language)
		case slices.Contains(strings.Fields(reserved), name):
			return fmt.Errorf("%s keeps this word for itself", language)
		}
		return nil
	}
}

func letter(r rune) bool { return r == '_' || unicode.IsLetter(r) }

func letterDigit(r rune) bool {
	return letter(r) || unicode.IsDigit(r) || unicode.In(r, unicode.Mn, unicode.Mc, unicode.Pc)
}

func asciiLetter(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func asciiLetterDigit(r rune) bool { return asciiLetter(r) || r >= '0' && r <= '9' }
