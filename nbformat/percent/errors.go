package percent

import "fmt"

// ExtensionError is about an extension that no script has.
type ExtensionError struct{ Ext string }

func (e *ExtensionError) Error() string {
	return fmt.Sprintf("%q is not the extension of a script", e.Ext)
}

// EncodingError is about a script in another encoding than UTF-8.
type EncodingError struct {
	Name string
	Line int // 0: the bytes are not what the script says
}

func (e *EncodingError) Error() string {
	if e.Line == 0 {
		return "script is not UTF-8"
	}
	return fmt.Sprintf("line %d: script is in %s: only UTF-8 can be read", e.Line, e.Name)
}

// FormatError is about a script in another format of jupytext's.
type FormatError struct{ Name, Version string }

func (e *FormatError) Error() string {
	if e.Version != "" {
		return fmt.Sprintf("script is in version %s of the %s format: %s to %s can be read",
			e.Version, e.Name, minFormatVersion, formatVersion)
	}
	return fmt.Sprintf("script is in jupytext's %s format: only percent and hydrogen can be read", e.Name)
}

// VersionError is about a notebook older than nbformat 4.
type VersionError struct{ Major int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("notebook is in nbformat %d: upgrade it to 4 first", e.Major)
}
