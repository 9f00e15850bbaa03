package http1

// hop are the kinds of fields that are about one connection.
const hop = 1<<TransferEncoding | 1<<Connection | 1<<KeepAlive | 1<<ProxyConnection | 1<<TE | 1<<Upgrade | 1<<Trailer

// IsHop reports whether a field is about one connection and must not be passed on to another.
func IsHop(name string) bool { return hop>>kindOf([]byte(name))&1 != 0 }
