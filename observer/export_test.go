package observer

import "context"

// Seal is seal for tests outside the package: the only way to encrypt.
func (l *Lock) Seal(ctx context.Context, plain []byte) (zeqond int64, payloadCT string, err error) {
	s, err := l.seal(ctx, plain)
	return s.zeqond, s.ct, err
}
