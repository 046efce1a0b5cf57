package main

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"path"
	"strings"
)

// address tells one store from another, whatever the user, the password and
// how the connection is made: SQLite's file, or where PostgreSQL is, the
// database, and the schemas in which the tables are looked for.
func (c *config) address() string {
	if file := c.sqlitePath(); file != "" {
		return file
	}
	return postgresAddress(c.storeURL(), os.Getenv)
}

// formerAddress is the address under which a version of assay that left out
// what stands behind the ? kept the log's name; "" where it is no other.
func (c *config) formerAddress() string {
	if c.sqlitePath() != "" {
		return ""
	}
	u, err := url.Parse(c.storeURL())
	if err != nil {
		return "postgres"
	}
	return u.Host + u.Path
}

// postgresAddress is a PostgreSQL address in one spelling. What it leaves out
// the environment says, as to the client (libpq's rules for connection URIs).
func postgresAddress(address string, getenv func(string) string) string {
	_, rest, _ := strings.Cut(address, "://")
	user := getenv("PGUSER")
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		name, _, _ := strings.Cut(rest[:i], ":")
		user, rest = cmp.Or(unescaped(name), user), rest[i+1:]
	}
	rest, raw, _ := strings.Cut(rest, "?")
	servers, database, _ := strings.Cut(rest, "/")
	query := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		query[unescaped(key)] = unescaped(value)
	}
	hosts, ports := splitServers(servers)
	a := url.URL{
		Scheme: "postgres",
		Host:   normalServers(cmp.Or(query["host"], hosts, getenv("PGHOST")), cmp.Or(query["port"], ports, getenv("PGPORT"))),
		Path:   "/" + cmp.Or(query["dbname"], query["database"], unescaped(database), getenv("PGDATABASE"), query["user"], user),
	}
	more := url.Values{}
	if s := normalSearchPath(cmp.Or(query["search_path"], searchPathIn(cmp.Or(query["options"], getenv("PGOPTIONS"))))); s != "" {
		more.Set("search_path", s)
	}
	if query["service"] != "" {
		more.Set("service", query["service"])
	}
	a.RawQuery = more.Encode()
	return a.String()
}

func unescaped(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		s = text
	}
	return strings.TrimSpace(s)
}

// splitServers parts HOST:PORT,[HOST]:PORT… into a list of hosts and one of ports.
func splitServers(servers string) (hosts, ports string) {
	var hs, ps []string
	for s := range strings.SplitSeq(servers, ",") {
		host, port := s, ""
		if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
			host, port = s[:i], s[i+1:]
		}
		hs, ps = append(hs, unescaped(strings.Trim(host, "[]"))), append(ps, unescaped(port))
	}
	hosts, ports = strings.Join(hs, ","), strings.Join(ps, ",")
	if strings.Trim(ports, ",") == "" {
		ports = ""
	}
	return hosts, ports
}

// normalServers joins the lists: a port that is left out is 5432, one port is
// that of all hosts, a host's name has no capitals and a socket's folder one spelling.
func normalServers(hosts, ports string) string {
	ps := strings.Split(ports, ",")
	var all []string
	for i, host := range strings.Split(hosts, ",") {
		if strings.HasPrefix(host, "/") {
			host = path.Clean(host)
		} else {
			host = strings.ToLower(host)
		}
		port := ps[0]
		if len(ps) > 1 {
			port = ""
			if i < len(ps) {
				port = ps[i]
			}
		}
		all = append(all, net.JoinHostPort(host, cmp.Or(port, "5432")))
	}
	return strings.Join(all, ",")
}

// searchPathIn is the search path among a server's command line options,
// -c search_path=… or --search_path=…, the last of them.
func searchPathIn(options string) (found string) {
	options = strings.ReplaceAll(options, `\ `, "\x00") // a space that is in a value
	for field := range strings.FieldsSeq(options) {
		name, value, ok := strings.Cut(field, "=")
		name = strings.ReplaceAll(strings.TrimLeft(strings.TrimPrefix(name, "-c"), "-"), "-", "_")
		if ok && strings.EqualFold(name, "search_path") {
			found = strings.ReplaceAll(value, "\x00", " ")
		}
	}
	return found
}

// normalSearchPath is a list of schemas in one spelling; "" is the default.
func normalSearchPath(s string) string {
	var all []string
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		if quoted := strings.TrimPrefix(name, `"`); quoted != name {
			name = strings.TrimSuffix(quoted, `"`)
		} else {
			name = strings.ToLower(name)
		}
		if name != strings.ToLower(name) {
			name = `"` + name + `"`
		}
		all = append(all, name)
	}
	if s = strings.Join(all, ","); s == "$user,public" {
		return ""
	}
	return s
}
