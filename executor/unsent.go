package executor

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// IPython's display hook numbers an execute_result before it knows whether it
// sends one. For a result that shows itself by _ipython_display_ (every widget,
// many plots), or of which nothing can be shown, it sends none, and the number
// is missing though nothing was lost. The kernel can tell: its Out holds the
// result. With ast_node_interactivity "all" each expression may leave a hole.
const unsentResults = `(lambda i, method: 99 if i.ast_node_interactivity == 'all' else (lambda out, n: 0 if n not in out else 1 if method(out[n], '_ipython_display_') is not None or not i.display_formatter.format(out[n])[0] else 0)(i.user_ns.get('_oh', {}), %d))(get_ipython(), __import__('IPython.utils.dir2', fromlist=['dir2']).get_real_method)`

// unsent asks the kernel how many messages of a cell were numbered and never
// sent. Its answer comes after all that the cell sent.
func (r *runner) unsent(ctx context.Context, s *sheet) int {
	count := -1
	if s.res.ExecutionCount != nil {
		count = *s.res.ExecutionCount
	}
	content := appendQuoted([]byte(`{"code":"","silent":true,"store_history":false,"allow_stdin":false,"stop_on_error":false,"user_expressions":{"n":`),
		fmt.Sprintf(unsentResults, count))
	x := r.request(nil)
	err := r.k.Send(ctx, Message{
		Channel: Shell, Header: Header{MsgID: x.id, Type: "execute_request"},
		Metadata: []byte("{}"), Content: append(content, "}}"...),
	})
	if err == nil {
		err = r.await(ctx, x, wait{due: at(time.Now().Add(settleFor)), cancel: true})
	}
	if err != nil {
		return 0 // what is missing stays missing
	}
	return answer(x.said)
}

// answer reads {"n": {"status": "ok", "data": {"text/plain": "1"}}}.
func answer(said []byte) int {
	n := 0
	_ = members(said, func(_, value []byte) { // no object: no answer
		_ = members(value, func(key, data []byte) {
			if string(key) == "data" {
				_ = members(data, func(key, plain []byte) {
					if i, err := strconv.Atoi(text(plain)); err == nil && string(key) == "text/plain" {
						n = i
					}
				})
			}
		})
	})
	return n
}
