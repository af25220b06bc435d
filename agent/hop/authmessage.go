package hop

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of Envoy's protocol are written and read by hand: the generated
// types would add some 5 MB of descriptors to the agent. Tests hold both against
// each other. Fields are those of envoy/service/auth/v3/external_auth.proto and
// attribute_context.proto, envoy/config/core/v3/address.proto and base.proto,
// envoy/type/v3/http_status.proto, google/rpc/status.proto.

// question is a CheckRequest.
type question struct {
	// source is the client's address, if it is known.
	source  netip.Addr
	time    time.Time
	method  string
	path    string
	host    string
	scheme  string
	headers map[string]string
	// size is -1 if nobody knows.
	size int64
	body []byte
}

// encode writes the message:
//
//	CheckRequest                  attributes = 1
//	AttributeContext              source = 1, request = 4
//	AttributeContext.Peer         address = 1
//	Address                       socket_address = 1
//	SocketAddress                 address = 2, port_value = 3
//	AttributeContext.Request      time = 1, http = 2
//	Timestamp                     seconds = 1, nanos = 2
//	AttributeContext.HttpRequest  method = 2, headers = 3, path = 4, host = 5,
//	                              scheme = 6, size = 9, body = 11, raw_body = 12
//
// What is text there must be UTF-8, which headers and bodies need not be: other
// bytes are replaced. Such a body is told byte by byte besides.
func (q *question) encode() []byte {
	var http message
	http.text(2, q.method)
	for _, name := range slices.Sorted(maps.Keys(q.headers)) {
		var entry message
		entry.text(1, name)
		entry.text(2, q.headers[name])
		http.bytes(3, entry)
	}
	http.text(4, q.path)
	http.text(5, q.host)
	http.text(6, q.scheme)
	http.varint(9, uint64(q.size))
	if len(q.body) > 0 {
		http.text(11, string(q.body))
		if !utf8.Valid(q.body) {
			http.bytes(12, q.body)
		}
	}
	var stamp, request, attributes, out message
	stamp.varint(1, uint64(q.time.Unix()))
	stamp.varint(2, uint64(q.time.Nanosecond()))
	request.bytes(1, stamp)
	request.bytes(2, http)
	if q.source.IsValid() {
		var socket, address, peer message
		socket.text(2, q.source.String())
		// Nobody knows it, but there must be one.
		socket.varint(3, 0)
		address.bytes(1, socket)
		peer.bytes(1, address)
		attributes.bytes(1, peer)
	}
	attributes.bytes(4, request)
	out.bytes(1, attributes)
	return out
}

// message is one that is being written.
type message []byte

func (m *message) bytes(number protowire.Number, value []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, number, protowire.BytesType), value)
}

func (m *message) text(number protowire.Number, value string) {
	m.bytes(number, []byte(strings.ToValidUTF8(value, string(utf8.RuneError))))
}

func (m *message) varint(number protowire.Number, value uint64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, number, protowire.VarintType), value)
}

// verdict is a CheckResponse: status = 1, and one of denied_response = 2,
// ok_response = 3, error_response = 5. An error is a denial to us.
type verdict struct {
	hasStatus bool
	// code is that of google.rpc.Status, 0 for OK.
	code   int32
	denied denial
	ok     acceptance
}

// denial is a DeniedHttpResponse: status = 1 (an HttpStatus, code = 1),
// headers = 2, body = 3.
type denial struct {
	// given says that it is there at all.
	given   bool
	status  int
	headers []headerOption
	body    string
}

// acceptance is an OkHttpResponse: headers = 2, headers_to_remove = 5,
// response_headers_to_add = 6, query_parameters_to_set = 7,
// query_parameters_to_remove = 8.
type acceptance struct {
	given    bool
	request  []headerOption
	remove   []string
	response []headerOption
	set      []parameter
	unset    []string
}

// headerOption is a HeaderValueOption: header = 1 (a HeaderValue, key = 1,
// value = 2, raw_value = 3), append = 2 (a BoolValue, value = 1), append_action = 3.
type headerOption struct {
	name, value string
	raw         []byte
	hasAppend   bool
	append      bool
	action      appendAction
}

// parameter is a QueryParameter: key = 1, value = 2.
type parameter struct{ key, value string }

// decodeVerdict reads a CheckResponse. Unknown fields are passed over, and of what
// occurs twice the later counts, as protocol buffers have it.
func decodeVerdict(data []byte) (*verdict, error) {
	v := &verdict{}
	var last protowire.Number
	err := eachField(data, func(f field) error {
		if f.kind != protowire.BytesType {
			return nil
		}
		switch f.number {
		case 1:
			v.hasStatus = true
			return eachField(f.data, func(f field) error {
				if f.is(1, protowire.VarintType) {
					v.code = int32(f.varint)
				}
				return nil
			})
		case 2, 3, 5:
			if f.number != last {
				v.denied, v.ok = denial{}, acceptance{}
			}
			last = f.number
			if f.number == 3 {
				return v.ok.decode(f.data)
			}
			return v.denied.decode(f.data)
		}
		return nil
	})
	return v, err
}

func (d *denial) decode(data []byte) error {
	d.given = true
	return eachField(data, func(f field) error {
		if f.kind != protowire.BytesType {
			return nil
		}
		switch f.number {
		case 1:
			return eachField(f.data, func(f field) error {
				if f.is(1, protowire.VarintType) {
					d.status = int(int32(f.varint))
				}
				return nil
			})
		case 2:
			return decodeOption(f.data, &d.headers)
		case 3:
			return f.text(&d.body)
		}
		return nil
	})
}

func (a *acceptance) decode(data []byte) error {
	a.given = true
	return eachField(data, func(f field) error {
		if f.kind != protowire.BytesType {
			return nil
		}
		switch f.number {
		case 2:
			return decodeOption(f.data, &a.request)
		case 5:
			return f.anotherText(&a.remove)
		case 6:
			return decodeOption(f.data, &a.response)
		case 7:
			var p parameter
			err := eachField(f.data, func(f field) error {
				switch {
				case f.is(1, protowire.BytesType):
					return f.text(&p.key)
				case f.is(2, protowire.BytesType):
					return f.text(&p.value)
				}
				return nil
			})
			a.set = append(a.set, p)
			return err
		case 8:
			return f.anotherText(&a.unset)
		}
		return nil
	})
}

func decodeOption(data []byte, to *[]headerOption) error {
	var o headerOption
	err := eachField(data, func(f field) error {
		switch {
		case f.is(1, protowire.BytesType):
			return o.decodeHeader(f.data)
		case f.is(2, protowire.BytesType):
			o.hasAppend = true
			return eachField(f.data, func(f field) error {
				if f.is(1, protowire.VarintType) {
					o.append = protowire.DecodeBool(f.varint)
				}
				return nil
			})
		case f.is(3, protowire.VarintType):
			o.action = appendAction(int32(f.varint))
		}
		return nil
	})
	*to = append(*to, o)
	return err
}

func (o *headerOption) decodeHeader(data []byte) error {
	return eachField(data, func(f field) error {
		switch {
		case f.is(1, protowire.BytesType):
			return f.text(&o.name)
		case f.is(2, protowire.BytesType):
			return f.text(&o.value)
		case f.is(3, protowire.BytesType):
			o.raw = f.data
		}
		return nil
	})
}

// field is one of a message that is being read.
type field struct {
	number protowire.Number
	kind   protowire.Type
	// varint or data is its value, by its kind; others are not needed.
	varint uint64
	data   []byte
}

// is tells whether it is that field; with another kind it is an unknown one.
func (f *field) is(number protowire.Number, kind protowire.Type) bool {
	return f.number == number && f.kind == kind
}

var errNoText = errors.New("text that is not UTF-8")

func (f *field) text(to *string) error {
	if !utf8.Valid(f.data) {
		return errNoText
	}
	*to = string(f.data)
	return nil
}

func (f *field) anotherText(to *[]string) error {
	var text string
	err := f.text(&text)
	*to = append(*to, text)
	return err
}

func eachField(data []byte, take func(field) error) error {
	for len(data) > 0 {
		var f field
		var n int
		f.number, f.kind, n = protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		switch f.kind {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			f.data, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(f.number, f.kind, data)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		if err := take(f); err != nil {
			return err
		}
	}
	return nil
}
