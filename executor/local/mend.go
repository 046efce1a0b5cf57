package local

import (
	"context"

	"assay/executor"
)

// mending is run in every ipykernel before the first cell, in names of its own.
//
// Its iopub socket drops messages beyond a thousand that wait, and says nothing
// (libzmq's high-water mark): XPUB_NODROP makes it wait for the reader.
//
// A shutdown_request can hang for ten seconds: the main thread may stop the
// thread that sends output while the control thread still waits for its last
// words to be sent. So the control thread, which ends by itself after a
// shutdown_request, is waited for first; handlers of cells run before that.
const mending = `exec("""try:
 import atexit, zmq
 k = get_ipython().kernel
 t = k.iopub_thread
 t.schedule(lambda: t.socket.setsockopt(zmq.XPUB_NODROP, 1))
 atexit.register(lambda: k._shutdown_message and k.control_thread and k.control_thread.join(2))
except Exception: pass""", {"get_ipython": get_ipython})`

// mend sends it as a silent request that leaves no trace in the session.
// Nobody waits for the answer: the kernel obeys in order, and the first cell
// comes after.
func (k *Kernel) mend(ctx context.Context) error {
	return k.Send(ctx, k.message(executor.Shell, "execute_request", map[string]any{
		"code": mending, "silent": true, "store_history": false, "allow_stdin": false, "stop_on_error": false,
		"user_expressions": struct{}{},
	}))
}
