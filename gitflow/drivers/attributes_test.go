package drivers

import (
	"strings"
	"testing"
)

var everything = takeover{AllParts, foreignAttributes(AllParts, nil)}

func TestInstallAttributes(t *testing.T) {
	t.Parallel()
	const block = header + "\n*.ipynb filter=assay diff=assay merge=assay\n*.zpln filter=assay\n"
	tests := map[string]struct {
		parts     Parts
		old, want string
	}{
		"nothing there": {AllParts, "", block},
		"rules for paths go on to win": {
			AllParts,
			"* text=auto\nruns/*.ipynb !filter\n",
			block + "* text=auto\nruns/*.ipynb !filter\n",
		},
		"nbstripout and nbdime": {
			AllParts,
			"*.txt text\n*.ipynb filter=nbstripout\n*.zpln filter=nbstripout\n*.ipynb diff=ipynb\n\n*.ipynb\tdiff=jupyternotebook\n\n*.ipynb\tmerge=jupyternotebook\n",
			"*.txt text\n" + block + before + "*.ipynb filter=nbstripout\n" + before + "*.zpln filter=nbstripout\n" + before + "*.ipynb diff=ipynb\n\n" +
				before + "*.ipynb\tdiff=jupyternotebook\n\n" + before + "*.ipynb\tmerge=jupyternotebook\n",
		},
		"only in one folder, with other attributes, in quotes": {
			AllParts,
			"\"a b/*.ipynb\" filter=nbstripout -text\n",
			block + before + "\"a b/*.ipynb\" filter=nbstripout -text\n\"a b/*.ipynb\" filter=assay -text\n",
		},
		"without the filter nbstripout's stays": {
			PartDiff | PartMerge,
			"*.ipynb filter=nbstripout\n*.ipynb diff=ipynb\n",
			"*.ipynb filter=nbstripout\n" + header + "\n*.ipynb diff=assay merge=assay\n" + before + "*.ipynb diff=ipynb\n",
		},
		"a comment and a macro": {
			AllParts,
			"#*.ipynb filter=nbstripout\n[attr]nb filter=nbstripout\n",
			block + "#*.ipynb filter=nbstripout\n" + before + "[attr]nb filter=nbstripout\n[attr]nb filter=assay\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tk := takeover{tt.parts, foreignAttributes(tt.parts, nil)}
			got := tk.install(tt.old, wantedRules(tt.parts))
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if again := tk.install(got, wantedRules(tt.parts)); again != got {
				t.Errorf("the second install made\n%s", again)
			}
			if back := everything.uninstall(got); back != tt.old {
				t.Errorf("uninstall made\n%s", back)
			}
		})
	}
}

// An install with fewer parts takes the others away, wherever they are named.
func TestInstallFewerParts(t *testing.T) {
	t.Parallel()
	text := everything.install("docs/*.ipynb filter=assay text\nmine/*.ipynb filter=assay\n", wantedRules(AllParts))
	tk := takeover{PartDiff, foreignAttributes(PartDiff, nil)}
	want := header + "\n*.ipynb diff=assay\ndocs/*.ipynb text\n"
	if got := tk.install(text, wantedRules(PartDiff)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzAttributes: installing twice is installing once, and uninstalling gives
// back every line of a file that had nothing of ours.
func FuzzAttributes(f *testing.F) {
	f.Add("*.ipynb filter=nbstripout\n\n*.ipynb diff=ipynb text\r\n\"a\\\"b\" -filter")
	f.Add("\t# c\n*.ipynb\n")
	f.Fuzz(func(t *testing.T, text string) {
		once := everything.install(text, wantedRules(AllParts))
		if twice := everything.install(once, wantedRules(AllParts)); twice != once {
			t.Errorf("%q installed is\n%q, and again\n%q", text, once, twice)
		}
		if strings.Contains(text, "assay") {
			return
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		if back := everything.uninstall(once); back != text {
			t.Errorf("%q came back as\n%q", text, back)
		}
	})
}
