package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"assay/gitflow/drivers"
)

func newDiffDriver() *cobra.Command {
	var parts partFlags
	c := &cobra.Command{
		Use:    "diff-driver [flags] -- PATH OLD HEX MODE NEW HEX MODE [NEWPATH HEADERS]",
		Short:  "diff.assay.command: what changed in a notebook, for git diff",
		Hidden: true,
		Args:   arguments(1, 9, "git gives the path and both sides"),
		RunE: func(c *cobra.Command, args []string) error {
			look, err := parts.options()
			if err != nil {
				return err
			}
			change, err := drivers.ParseChange(args)
			if err != nil {
				return usage("git starts this command: see assay git --help", "%v", err)
			}
			o := drivers.DiffOptions{Look: look, Terminal: people()}
			o.Text.Details = parts.details()
			if o.Terminal {
				o.Text.Color, o.Text.Width = gitColour(), terminalWidth()
			}
			if !change.Unmerged {
				asAdded(&change, args[2], args[5])
			}
			return answerTo(func(w io.Writer) error {
				return drivers.Git{}.Diff(c.Context(), w, change, o)
			})
		},
	}
	parts.register(c)
	return c
}

func newTextconv() *cobra.Command {
	var parts partFlags
	c := &cobra.Command{
		Use:    "textconv [flags] -- FILE",
		Short:  "diff.assay.textconv: a notebook as text, for git log -p and git blame",
		Hidden: true,
		Args:   arguments(1, 1, "the file"),
		RunE: func(_ *cobra.Command, args []string) error {
			look, err := parts.options()
			if err != nil {
				return err
			}
			return answerTo(func(w io.Writer) error { return drivers.Textconv(w, args[0], look) })
		},
	}
	parts.register(c)
	return c
}

// newDifftool is what git difftool --tool assay starts.
func newDifftool() *cobra.Command {
	return &cobra.Command{
		Use:    "difftool -- LOCAL REMOTE NAME",
		Short:  "difftool.assay.cmd: what changed in a notebook, in the pager",
		Hidden: true,
		Args:   arguments(3, 3, "git gives both sides and the name"),
		RunE: func(c *cobra.Command, args []string) error {
			change := drivers.Change{Path: args[2], NewPath: args[2], OldFile: args[0], NewFile: args[1]}
			o := drivers.DiffOptions{Terminal: people()}
			if o.Terminal {
				o.Text.Color, o.Text.Width = gitColour(), terminalWidth()
			}
			asAdded(&change, "", "")
			return paged(func(w io.Writer) error { return drivers.Git{}.Diff(c.Context(), w, change, o) })
		},
	}
}

// people tells whether somebody reads standard output: on a terminal, or
// through the pager that git has started.
func people() bool {
	paged, _ := strconv.ParseBool(os.Getenv("GIT_PAGER_IN_USE"))
	return paged || isTerminal(os.Stdout)
}

// gitColour asks git whether its diffs have colour, by all of its settings.
func gitColour() bool {
	if os.Getenv("NO_COLOR") != "" {
		return false
	}
	out, err := git("config", "--get-colorbool", "color.diff", "true")
	return err == nil && string(out) == "true\n"
}

// terminalWidth is the width that git tells its pager's children, else the terminal's.
func terminalWidth() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if n, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		return n
	}
	return 0
}

// paged gives write the user's pager when standard output is a terminal.
func paged(write func(w io.Writer) error) error {
	pager, err := git("var", "GIT_PAGER")
	if err != nil || !isTerminal(os.Stdout) || string(pager) == "cat\n" {
		return answerTo(write)
	}
	cmd := exec.Command("sh", "-c", string(pager))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if os.Getenv("LESS") == "" {
		cmd.Env = append(os.Environ(), "LESS=FRX") // git's own
	}
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return answerTo(write)
	}
	write(pipe) // the reader may have left before the end
	pipe.Close()
	if err := cmd.Wait(); err != nil {
		return surroundings(fmt.Errorf("pager: %w", err))
	}
	return nil
}
