package notebooks

import (
	"fmt"
	"net/url"
	"strings"
)

// RefusedError is a reference that assay does not serve, with what to use instead.
type RefusedError struct {
	Ref    string // redacted
	Reason string
	Hint   string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: %s; %s", e.Ref, e.Reason, e.Hint)
}

// refused are the addresses that papermill takes and assay does not.
var refused = map[string][2]string{
	"adl":  {"Azure Data Lake Storage Gen1 was shut down in 2024", "use azblob://CONTAINER/KEY"},
	"abs":  {"abs:// is not served", "use azblob://CONTAINER/KEY with AZURE_STORAGE_ACCOUNT set, and AZURE_STORAGE_SAS_TOKEN for a shared access signature"},
	"hdfs": {"hdfs:// is not served", "fetch it with `hdfs dfs -get`, or mount HDFS and give the path"},
	"file": {"file:// is not served", "give the path itself"},
	"abfs": {"abfs:// is not served", "use azblob://CONTAINER/KEY"},
}

// split takes a reference apart: its scheme ("" for a path, "-" for standard
// input or output) and what follows it.
func split(ref string) (scheme, rest string, err error) {
	switch {
	case ref == "":
		return "", "", &RefusedError{`""`, "an empty name is no notebook", "give a path, an address, or - for standard input or output"}
	case ref == "-":
		return "-", "", nil
	case strings.HasPrefix(ref, "builtin:"):
		return "builtin", ref[len("builtin:"):], nil
	}
	scheme, rest, found := strings.Cut(ref, "://")
	if !found || !isScheme(scheme) {
		return "", ref, nil
	}
	scheme = strings.ToLower(scheme)
	if why, ok := refused[scheme]; ok {
		return "", "", &RefusedError{Redact(ref), why[0], why[1]}
	}
	switch scheme {
	case "http", "https":
		if hint, ok := githubPage(rest); ok {
			return "", "", &RefusedError{Redact(ref), "this is GitHub's page about a file, not the file", hint}
		}
	case "s3", "gs", "azblob":
	default:
		return "", "", &RefusedError{Redact(ref), "unknown kind of address " + scheme + "://", "assay knows paths, -, http://, https://, s3://, gs://, azblob:// and builtin:NAME"}
	}
	return scheme, rest, nil
}

// Beside is the reference of what stands beside ref: with suffix after its
// name. The settings of an address come after that.
func Beside(ref, suffix string) string {
	if scheme, _, err := split(ref); err != nil || scheme == "" {
		return ref + suffix
	}
	name, settings, found := strings.Cut(ref, "?")
	if !found {
		return ref + suffix
	}
	return name + suffix + "?" + settings
}

// isScheme follows RFC 3986, 3.1, but wants two letters: C:// is a drive.
func isScheme(s string) bool {
	for i, c := range strings.ToLower(s) {
		if !('a' <= c && c <= 'z' || i > 0 && (c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9')) {
			return false
		}
	}
	return len(s) > 1
}

// githubPage recognises github.com/ORG/REPO/blob/REF/PATH, which papermill
// reads through GitHub's interface, and says where the file itself is.
func githubPage(rest string) (hint string, ok bool) {
	host, path, _ := strings.Cut(rest, "/")
	if h := strings.ToLower(host); h != "github.com" && h != "www.github.com" {
		return "", false
	}
	path, _, _ = strings.Cut(path, "?")
	parts := strings.SplitN(path, "/", 4)
	if len(parts) == 4 && parts[2] == "blob" {
		return fmt.Sprintf("use https://raw.githubusercontent.com/%s/%s/%s (a private repository: clone it and give the path)", parts[0], parts[1], parts[3]), true
	}
	if len(parts) == 4 && parts[2] == "raw" {
		return "", false // redirects to the file
	}
	return "clone the repository and give the path, or use the file's raw.githubusercontent.com address", true
}

// IsLocal reports whether ref is a path on this machine, and which.
func IsLocal(ref string) (path string, ok bool) {
	scheme, rest, err := split(ref)
	return rest, err == nil && scheme == ""
}

// Check says whether ref is of a kind that assay serves, without looking for it.
func Check(ref string) error {
	_, _, err := split(ref)
	return err
}

// CheckWrite is Check for an output: what is shipped cannot be written to.
func CheckWrite(ref string) error {
	scheme, _, err := split(ref)
	if err == nil && scheme == "builtin" {
		err = fmt.Errorf("%s: shipped notebooks are part of the program: %w", ref, ErrReadOnly)
	}
	return err
}

// Redact is ref as it may stand in a log or a record: without a password, and
// without a query, which may be a signature.
func Redact(ref string) string {
	scheme, rest, found := strings.Cut(ref, "://")
	if !found || !isScheme(scheme) {
		return ref
	}
	rest, query, cut := strings.Cut(rest, "?")
	if cut && query != "" {
		query = "?..."
	}
	host, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		user, _, _ := strings.Cut(host[:at], ":")
		host = url.PathEscape(user) + ":xxxxx" + host[at:]
	}
	if slash {
		host += "/"
	}
	return scheme + "://" + host + path + query
}
