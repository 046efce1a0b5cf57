// Package executor runs the cells of a notebook against the Kernel interface
// it declares and folds the kernel's messages into nbformat 4 outputs.
//
// Run sends one execute_request at a time, as nbclient does, and waits for
// the reply on the shell channel and the idle status on iopub. Messages go to
// the cell whose request they name as their parent. What a front end shows is
// what a cell keeps: display_data, execute_result, error and stream outputs,
// clear_output, display updates over the whole notebook, and the state of
// widgets, Output widgets included.
//
// It differs from nbclient where nbclient loses or hides something: output
// that arrives late goes to the cell that made it (Options.DropLate gives
// nbclient's way), neighbouring stream outputs of one name are joined
// (Options.SplitStreams), an error reply without an error output gets one
// (Options.NoErrorOutput), and a lost message, a dead kernel or a timeout is a
// state of the cell and of the run instead of silence.
//
// Loss is found by the message ids of jupyter_client's Session,
// "<session>_<pid>_<n>": within one process no n may be missing over iopub,
// shell and control.
package executor
