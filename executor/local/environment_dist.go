package local

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"

	"assay/executor"
)

// isDistribution tells whether an entry of a folder on Python's path describes an installed package.
func isDistribution(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, ".dist-info") || strings.HasSuffix(lower, ".egg-info")
}

// readDistributions takes the packages that one folder of Python's path has.
// origin is the Origin of those that say nothing of their own.
func (r *environmentReader) readDistributions(dir, origin string) {
	r.folder++
	names, ok := r.names(dir, func(name string) bool {
		return isDistribution(name) || strings.EqualFold(name, "EGG-INFO") && strings.HasSuffix(strings.ToLower(dir), ".egg")
	})
	if !ok {
		return
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if strings.HasPrefix(name, "~") {
			r.gap("%s is what an interrupted pip left: pip does not count it", clip(path))
			continue
		}
		if !r.more() {
			return
		}
		if p, ok := r.distribution(path); ok {
			if p.Origin == "" {
				p.Origin = origin
			}
			r.add(p)
		}
	}
}

// distribution reads a .dist-info, an .egg-info or an EGG-INFO, folder or file.
// The name of the folder speaks where its metadata does not.
func (r *environmentReader) distribution(path string) (executor.Package, bool) {
	var (
		p    executor.Package
		data []byte
		err  error
	)
	for _, name := range []string{"METADATA", "PKG-INFO", ""} { // the order of importlib.metadata
		for _, limit := range []int{2 << 10, maxMetadata} { // the second look is for metadata that begins with a long text
			if data, err = r.read(filepath.Join(path, name), limit); err == nil {
				p.Name, p.Version = header(data, "Name"), header(data, "Version")
			}
			if p.Name != "" && p.Version != "" || len(data) < limit {
				break
			}
		}
		if len(data) > 0 {
			break
		}
	}
	if p.Name == "" || p.Version == "" {
		name, version := splitDistribution(path)
		if p.Name == "" {
			p.Name = name
		}
		if p.Version == "" {
			p.Version = version
		}
		r.gap("%s has no name or version in its metadata", clip(path))
	}
	if p.Name == "" || !plain(p.Name) || !plain(p.Version) {
		r.gap("%s names no package: left out", clip(path))
		return p, false
	}
	if strings.HasSuffix(strings.ToLower(path), ".dist-info") {
		p.Origin = r.origin(filepath.Join(path, "direct_url.json"))
	}
	return p, true
}

// splitDistribution takes name and version from name-version[-pyX.Y].dist-info.
func splitDistribution(path string) (name, version string) {
	base := filepath.Base(path)
	if strings.EqualFold(base, "EGG-INFO") {
		base = filepath.Base(filepath.Dir(path))
	}
	base = strings.TrimSuffix(base, filepath.Ext(base))
	name, version, _ = strings.Cut(base, "-")
	version, _, _ = strings.Cut(version, "-py")
	return name, version
}

// header is the first value of a field in the header lines of a metadata file
// (the form of mail, and of Debian's control files): up to the first empty
// line, the name in any case. Lines that go on are not joined: names and
// versions fit in one.
func header(data []byte, field string) string {
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if len(line) > len(field) && line[len(field)] == ':' && strings.EqualFold(string(line[:len(field)]), field) {
			return strings.TrimSpace(string(line[len(field)+1:]))
		}
	}
	return ""
}

// origin reads a direct_url.json (PEP 610). A package of an index has none.
func (r *environmentReader) origin(path string) string {
	data, err := r.read(path, maxMetadata)
	if err != nil {
		return ""
	}
	s, ok := parseOrigin(data)
	if !ok {
		r.gap("%s cannot be read", clip(path))
		return ""
	}
	return s
}

func parseOrigin(data []byte) (string, bool) {
	var d struct {
		URL     string `json:"url"`
		DirInfo *struct {
			Editable bool `json:"editable"`
		} `json:"dir_info"`
		VCSInfo *struct {
			VCS    string `json:"vcs"`
			Commit string `json:"commit_id"`
		} `json:"vcs_info"`
		ArchiveInfo *struct {
			Hash   string            `json:"hash"` // <algorithm>=<hex>, older than hashes
			Hashes map[string]string `json:"hashes"`
		} `json:"archive_info"`
	}
	if json.Unmarshal(data, &d) != nil {
		return "", false
	}
	u, err := url.Parse(d.URL)
	if err != nil || u.Scheme == "" {
		return "", false
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	s := u.String()
	switch {
	case d.VCSInfo != nil:
		s = d.VCSInfo.VCS + "+" + s + "@" + d.VCSInfo.Commit
	case d.DirInfo != nil && d.DirInfo.Editable:
		s += " (editable)"
	case d.ArchiveInfo != nil:
		hash := d.ArchiveInfo.Hash
		if h := d.ArchiveInfo.Hashes["sha256"]; h != "" {
			hash = "sha256=" + h
		}
		if hash != "" {
			s += "#" + hash
		}
	}
	return s, plain(s)
}

// readConda takes the packages of a conda environment from the names of the
// files in conda-meta, <name>-<version>-<build>.json, as "conda list" shows
// them: a package that Python's own metadata has is not taken again.
func (r *environmentReader) readConda(prefix string) bool {
	r.folder++
	names, ok := r.names(filepath.Join(prefix, "conda-meta"), func(name string) bool { return strings.HasSuffix(name, ".json") })
	if !ok {
		return false
	}
	r.out.Manager = "conda"
	for _, name := range names {
		if p, ok := condaPackage(name); ok {
			r.add(p)
		} else {
			r.gap("conda-meta/%s names no package", clip(name))
		}
	}
	return true
}

func condaPackage(file string) (executor.Package, bool) {
	s := strings.TrimSuffix(file, ".json")
	i := strings.LastIndexByte(s, '-') // in front of the build
	if i < 0 {
		return executor.Package{}, false
	}
	j := strings.LastIndexByte(s[:i], '-') // in front of the version
	if j < 1 || !plain(s) {
		return executor.Package{}, false
	}
	return executor.Package{Name: s[:j], Version: s[j+1 : i]}, true
}
