package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
)

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if value, ok := strings.CutPrefix(p, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// Addresses of one store are one, those of two are two.
func TestPostgresAddress(t *testing.T) {
	t.Parallel()
	none := environment()
	of := map[string]string{}
	for _, same := range [][]string{
		{"postgres:///assay?host=/a", "postgresql:///assay?host=/a/&sslmode=disable", "postgres://ada:secret@%2Fa/assay", "postgres:///?host=/a&dbname=assay&port=5432&password=secret"},
		{"postgres:///assay?host=/b", "postgres://assay@/?host=/b", "postgres:///?host=/b&user=assay"},
		{"postgres:///assay?host=/a&port=5433", "postgres://:5433/assay?host=/a"},
		{"postgres:///assay"},
		{
			"postgres://db.example.org/assay", "postgres://DB.example.org:5432/assay?user=ada", "postgres://ada:secret@db.example.org/assay?application_name=x",
			`postgres://db.example.org/assay?search_path=%22$user%22,%20public`, "postgres://db.example.org/assay?options=-c%20jit%3Doff", "postgres://nowhere/?host=db.example.org&database=assay",
		},
		{"postgres://db.example.org/other"},
		{
			"postgres://db.example.org/assay?search_path=a", "postgres://db.example.org/assay?search_path=A", `postgres://db.example.org/assay?search_path=%22a%22`,
			"postgres://db.example.org/assay?options=-c%20search_path%3Da", "postgres://db.example.org/assay?options=-csearch_path%3Db%20--search-path%3Da",
			"postgres://db.example.org/assay?options=-c%20search_path%3Db&search_path=a",
		},
		{"postgres://db.example.org/assay?search_path=b", "postgres://db.example.org/assay?search_path=a&search_path=b"},
		{"postgres://db.example.org/assay?search_path=a,b", "postgres://db.example.org/assay?search_path=a,%20b", `postgres://db.example.org/assay?options=-c%20search_path%3Da,%5C%20b`},
		{`postgres://db.example.org/assay?search_path=%22A%22`},
		{"postgres://a:1,b:2/assay", "postgres:///assay?host=a,b&port=1,2", "postgres://A:1,B:2/assay"},
		{"postgres://a,b:2/assay"},
		{"postgres://a:2,b:2/assay", "postgres://a,b/assay?port=2"},
		{"postgres://[::1]/assay", "postgres://[::1]:5432/assay", "postgres:///assay?host=::1"},
		{"postgres://db.example.org/assay?service=x"},
	} {
		for _, address := range same {
			got := postgresAddress(address, none)
			if first := postgresAddress(same[0], none); got != first {
				t.Errorf("%s is %s, and %s is %s", same[0], first, address, got)
			}
			if strings.Contains(got, "secret") || strings.Contains(got, "ada") {
				t.Errorf("%s is %s, which tells of the user", address, got)
			}
			if again := postgresAddress(got, none); again != got {
				t.Errorf("%s is %s, which is %s", address, got, again)
			}
		}
		got := postgresAddress(same[0], none)
		if of[got] != "" {
			t.Errorf("%s and %s are both %s", of[got], same[0], got)
		}
		of[got] = same[0]
	}
	env := environment("PGHOST=/a", "PGPORT=5433", "PGDATABASE=assay", "PGOPTIONS=-c search_path=x")
	if got, want := postgresAddress("postgres://", env), postgresAddress("postgres:///assay?host=/a&port=5433&search_path=x", none); got != want {
		t.Errorf("by the environment it is %s, want %s", got, want)
	}
	if got, want := postgresAddress("postgres://h:1/other?search_path=y", env), postgresAddress("postgres://h:1/other?search_path=y", none); got != want {
		t.Errorf("beside the environment it is %s, want %s", got, want)
	}
}

// No text is too odd, and the password is never part of it.
func FuzzPostgresAddress(f *testing.F) {
	f.Add("db.example.org:5432/assay?search_path=a", "secret")
	f.Add("[::1]:x,/%zz?options=-c%20search_path%3D%22&=&&host=,", "")
	f.Fuzz(func(t *testing.T, rest, password string) {
		password = strings.Map(func(r rune) rune {
			if strings.ContainsRune("@/", r) {
				return 'x'
			}
			return r
		}, password)
		got := postgresAddress("postgres://ada:"+password+"@"+rest, environment())
		if other := postgresAddress("postgres://ada:another@"+rest, environment()); got != other || !strings.HasPrefix(got, "postgres://") {
			t.Errorf("%q, with another password %q", got, other)
		}
	})
}

// Two healthy stores whose addresses differ behind the ? only are used in turn,
// also where the first is remembered under the address of before; and the first
// is held against what is remembered of it all the same.
func TestStoresOfOneFormerAddress(t *testing.T) {
	t.Parallel()
	k := &killed{home: t.TempDir()}
	server := testenv.NewPostgres(t)
	a, b := server.Database(t), testenv.NewPostgres(t).Database(t)
	conf := &config{Store: a}
	if former := (&config{Store: b}).formerAddress(); former != conf.formerAddress() {
		t.Fatalf("they are of two addresses: %s, %s", conf.formerAddress(), former)
	}
	assay := func(want int, store string, args ...string) string {
		t.Helper()
		out, said := k.assay(t, want, []string{"ASSAY_STORE=" + store}, args...)
		return out + said
	}
	assay(exitOK, a, "log", "checkpoint")
	// As a version that knew the former address only left it.
	at := func(address string) string {
		return filepath.Join(k.home, ".config", "assay", "checkpoints", "at-"+shortHash(address))
	}
	now, former := at(postgresAddress(a, os.Getenv)), at(conf.formerAddress())
	if err := os.Rename(now, former); err != nil {
		t.Fatal(err)
	}
	// Which of its stores that was nobody knows: an empty one may have been emptied.
	emptied := testenv.NewPostgres(t).Database(t)
	if said := assay(exitSurroundings, emptied, "log", "checkpoint"); !strings.Contains(said, "put back to an older state") {
		t.Errorf("what is remembered under the former address is forgotten: %s", said)
	}
	for range 2 {
		assay(exitOK, a, "log", "checkpoint")
		if !exists(now) || exists(former) {
			t.Fatalf("the name is there: %v; under the former address: %v", exists(now), exists(former))
		}
		assay(exitOK, b, "log", "checkpoint")
	}
	text, err := os.ReadFile(now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at(postgresAddress(b, os.Getenv)), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := assay(exitSurroundings, b, "log", "checkpoint"); !strings.Contains(said, "put back to an older state") {
		t.Errorf("another log where this one was: %s", said)
	}
}
