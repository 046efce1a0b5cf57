package main

import (
	"slices"
	"strings"
)

// pairFlags take two words, NAME and VALUE, as papermill's do. A flag library
// knows one: the pair is joined by a byte that no argument can hold.
var pairFlags = []string{"-p", "--parameters", "-r", "--parameters_raw", "--parameters-raw"}

const pairSeparator = "\x00"

// joinPairs rewrites `-p NAME VALUE` to `--parameters=NAME<NUL>VALUE`. What
// follows `--` is left alone. The value of another flag that looks like -p has
// to be written --flag=-p.
func joinPairs(args []string) ([]string, error) {
	if !takesPairs(args) {
		return args, nil
	}
	return joinAllPairs(args)
}

// joinAllPairs is joinPairs whatever the first word is: papermill's may be a
// notebook called check.
func joinAllPairs(args []string) ([]string, error) {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		flag, first, attached := pairFlag(args[i])
		switch {
		case args[i] == "--":
			return append(out, args[i:]...), nil
		case flag == "":
			out = append(out, args[i])
			continue
		}
		need := 2
		if attached {
			need = 1
		}
		if i+need >= len(args) {
			return nil, usage("for example: -p alpha 0.6", "%s takes a name and a value", args[i])
		}
		name, value := first, args[i+need]
		if !attached {
			name = args[i+1]
		}
		i += need
		out = append(out, flag+"="+name+pairSeparator+value)
	}
	return out, nil
}

// takesPairs tells whether the command line is one whose parameters are two words.
func takesPairs(args []string) bool {
	if len(args) == 0 {
		return false
	}
	return args[0] == "run" || args[0] == "inspect" || strings.HasPrefix(args[0], "-")
}

// pairFlag recognises a pair flag, with or without the name attached (-palpha, --parameters=alpha).
func pairFlag(arg string) (flag, first string, attached bool) {
	long := func(f string) string {
		if strings.HasPrefix(strings.TrimLeft(f, "-"), "parameters_") || f == "-r" || f == "--parameters-raw" {
			return "--parameters_raw"
		}
		return "--parameters"
	}
	if strings.Contains(arg, pairSeparator) {
		return "", "", false // joined already
	}
	if slices.Contains(pairFlags, arg) {
		return long(arg), "", false
	}
	for _, f := range pairFlags {
		if strings.HasPrefix(f, "--") {
			if name, ok := strings.CutPrefix(arg, f+"="); ok {
				return long(f), name, true
			}
		} else if name, ok := strings.CutPrefix(arg, f); ok && !strings.HasPrefix(arg, "--") {
			return long(f), name, true
		}
	}
	return "", "", false
}

// splitPair is the inverse of joinPairs for one value.
func splitPair(v string) (name, value string) {
	name, value, _ = strings.Cut(v, pairSeparator)
	return name, value
}
