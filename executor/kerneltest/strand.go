package kerneltest

// Strand is code that makes the fault of ipykernel 7.0 to 7.3 (ipykernel#1529) happen in a
// real ipykernel, once: after this cell's reply, the thread of the shell channel
// looks at its socket past the event loop just when the next request is there.
// That takes the only wake-up the loop would have got, as those versions' raw
// sends do when a request comes at the wrong moment.
const Strand = `
import select, zmq
_manager = get_ipython().kernel.shell_channel_thread.manager
class _Raw:
    def __init__(self, stream): self.stream = stream
    def send_multipart(self, msg):
        _manager._shell_stream = self.stream
        s = self.stream.socket
        s.send_multipart(msg)
        while not s.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            select.select([s.fileno()], [], [], 30)
_manager._shell_stream = _Raw(_manager._shell_stream)
ran = 0
`
