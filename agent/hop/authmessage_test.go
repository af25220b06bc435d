package hop

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// asEnvoy is the question as Envoy's types have it.
func (q *question) asEnvoy() *authv3.CheckRequest {
	valid := func(s string) string { return string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD"))) }
	http := &authv3.AttributeContext_HttpRequest{
		Method: valid(q.method), Path: valid(q.path), Host: valid(q.host), Scheme: valid(q.scheme), Size: q.size,
		Headers: map[string]string{}, Body: valid(string(q.body)),
	}
	if http.Body != string(q.body) {
		http.RawBody = q.body
	}
	for name, value := range q.headers {
		http.Headers[valid(name)] = valid(value)
	}
	out := &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Time: timestamppb.New(q.time), Http: http},
	}}
	if q.source.IsValid() {
		out.Attributes.Source = &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
			SocketAddress: &corev3.SocketAddress{Address: q.source.String(), PortSpecifier: &corev3.SocketAddress_PortValue{}},
		}}}
	}
	return out
}

func FuzzQuestionsAreReadAsTheyAreMeant(f *testing.F) {
	f.Add("GET", "/a?b", "www.example.net", "x-a", "é", []byte("text"), int64(4), []byte{10, 0, 0, 1})
	f.Add("POST", "", "", "cookie", "\xff\xfe", []byte("\x00\xff"), int64(-1), []byte{})
	f.Fuzz(func(t *testing.T, method, path, host, name, value string, body []byte, size int64, source []byte) {
		q := &question{
			time: time.Unix(1_700_000_000, 123_456_789), method: method, path: path, host: host, scheme: "https",
			headers: map[string]string{name: value, "x-last": "last"}, size: size, body: body,
		}
		if len(body) == 0 {
			q.body = nil
		}
		if a, ok := netip.AddrFromSlice(source); ok {
			q.source = a
		}
		var got authv3.CheckRequest
		if err := proto.Unmarshal(q.encode(), &got); err != nil {
			t.Fatal(err)
		}
		if err := got.ValidateAll(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(q.asEnvoy(), &got, protocmp.Transform()); diff != "" {
			t.Errorf("read as (-want +got):\n%s", diff)
		}
	})
}

// fromEnvoy is the answer, as Envoy's types have it.
func fromEnvoy(r *authv3.CheckResponse) *verdict {
	v := &verdict{hasStatus: r.Status != nil, code: r.GetStatus().GetCode()}
	denied := r.GetDeniedResponse()
	if denied == nil {
		denied = r.GetErrorResponse()
	}
	if denied != nil {
		v.denied = denial{given: true, status: int(denied.GetStatus().GetCode()), headers: optionsOf(denied.Headers), body: denied.Body}
	}
	if ok := r.GetOkResponse(); ok != nil {
		v.ok = acceptance{
			given: true, request: optionsOf(ok.Headers), response: optionsOf(ok.ResponseHeadersToAdd),
			remove: ok.HeadersToRemove, unset: ok.QueryParametersToRemove,
		}
		for _, p := range ok.QueryParametersToSet {
			v.ok.set = append(v.ok.set, parameter{p.Key, p.Value})
		}
	}
	return v
}

func optionsOf(list []*corev3.HeaderValueOption) []headerOption {
	var out []headerOption
	for _, o := range list {
		out = append(out, headerOption{
			name: o.GetHeader().GetKey(), value: o.GetHeader().GetValue(), raw: o.GetHeader().GetRawValue(),
			hasAppend: o.GetAppend() != nil, append: o.GetAppend().GetValue(), action: appendAction(o.AppendAction), //nolint:staticcheck // servers still write it
		})
	}
	return out
}

var compareVerdicts = cmp.Options{
	cmp.AllowUnexported(verdict{}, denial{}, acceptance{}, headerOption{}, parameter{}),
	cmp.Comparer(bytes.Equal),
}

// answers are such as servers give.
func answers() map[string]*authv3.CheckResponse {
	option := func(name, value string, complete func(*corev3.HeaderValueOption)) *corev3.HeaderValueOption {
		o := &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: name, Value: value}}
		if complete != nil {
			complete(o)
		}
		return o
	}
	options := []*corev3.HeaderValueOption{
		option("x-a", "a", nil),
		option("x-b", "", func(o *corev3.HeaderValueOption) { o.Append = wrapperspb.Bool(true) }),   //nolint:staticcheck // servers still write it
		option("x-c", "c", func(o *corev3.HeaderValueOption) { o.Append = wrapperspb.Bool(false) }), //nolint:staticcheck // servers still write it
		option("x-d", "d", func(o *corev3.HeaderValueOption) {
			o.AppendAction, o.KeepEmptyValue = corev3.HeaderValueOption_OVERWRITE_IF_EXISTS, true
		}),
		{Header: &corev3.HeaderValue{Key: "x-e", RawValue: []byte("\xff")}},
		{},
	}
	metadata, _ := structpb.NewStruct(map[string]any{"a": []any{1.5, "b", nil}})
	denied := &authv3.DeniedHttpResponse{Status: &typev3.HttpStatus{Code: typev3.StatusCode_Unauthorized}, Headers: options, Body: "who are you?"}
	return map[string]*authv3.CheckResponse{
		"nothing":      {},
		"OK":           {Status: &status.Status{}},
		"no":           {Status: &status.Status{Code: 16, Message: "no"}},
		"a denial":     {Status: &status.Status{Code: 7}, HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: denied}},
		"an error":     {Status: &status.Status{Code: 13}, HttpResponse: &authv3.CheckResponse_ErrorResponse{ErrorResponse: denied}},
		"empty denial": {HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{}}},
		"everything": {
			Status: &status.Status{Code: -1}, DynamicMetadata: metadata,
			HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
				Headers: options, ResponseHeadersToAdd: options[:1], HeadersToRemove: []string{"authorization", ""},
				DynamicMetadata:      metadata, //nolint:staticcheck // servers still send it
				QueryParametersToSet: []*corev3.QueryParameter{{Key: "a", Value: "b"}, {}}, QueryParametersToRemove: []string{"c"},
			}},
		},
	}
}

func TestAnswersAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	for name, answer := range answers() {
		data, err := proto.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeVerdict(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(fromEnvoy(answer), got, compareVerdicts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzAnswersAreReadAsEnvoyDoes reads whatever bytes there are as the generated
// types do, down to fields that occur twice. What these refuse lets nobody in,
// but for what is wrong in fields that are not read here.
func FuzzAnswersAreReadAsEnvoyDoes(f *testing.F) {
	for _, answer := range answers() {
		data, err := proto.Marshal(answer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(append(bytes.Clone(data), data...))
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeVerdict(data)
		var want authv3.CheckResponse
		if proto.Unmarshal(data, &want) != nil {
			return
		}
		if err != nil {
			t.Fatalf("refused what is a message (%v): %v", err, &want)
		}
		if diff := cmp.Diff(fromEnvoy(&want), got, compareVerdicts); diff != "" {
			t.Errorf("read as (-want +got):\n%s", diff)
		}
	})
}

func TestDamagedAnswersAreRefused(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"half a tag":                   "\x80",
		"half a length":                "\x0a\x80",
		"less than was announced":      "\x0a\x05ab",
		"less within a denial":         "\x12\x03\x1a\x05a",
		"less within an acceptance":    "\x1a\x03\x2a\x05a",
		"less within a header":         "\x1a\x05\x12\x03\x0a\x05a",
		"less within a parameter":      "\x1a\x04\x3a\x02\x0a\x05",
		"less within a status":         "\x0a\x02\x08\x80",
		"field 0":                      "\x02\x00",
		"a group without an end":       "\x0b",
		"an end without a group":       "\x0c",
		"a name that is no text":       "\x1a\x03\x2a\x01\xff",
		"a body that is no text":       "\x12\x03\x1a\x01\xff",
		"a value of a header, no text": "\x1a\x07\x12\x05\x0a\x03\x12\x01\xff",
	} {
		if v, err := decodeVerdict([]byte(data)); err == nil {
			t.Errorf("%s: read as %+v", name, v)
		}
		var m authv3.CheckResponse
		if proto.Unmarshal([]byte(data), &m) == nil {
			t.Errorf("%s: Envoy's types read it as %v", name, &m)
		}
	}
}

func TestQueriesHaveWhatTheServerSets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		target string
		change acceptance
		want   string
	}{
		"nothing to change":                    {target: "/a?&b=%zz&", want: "/a?&b=%zz&"},
		"no query before":                      {target: "/a", change: acceptance{set: []parameter{{"u", "bob"}}}, want: "/a?u=bob"},
		"the rest stays as it is":              {target: "/a%2Fb?x=%7e&y&z=%zz", change: acceptance{set: []parameter{{"u", "bob"}}}, want: "/a%2Fb?x=%7e&y&z=%zz&u=bob"},
		"what the client wrote is replaced":    {target: "/a?u=admin&x=y&u=root", change: acceptance{set: []parameter{{"u", "bob"}}}, want: "/a?x=y&u=bob"},
		"though it was encoded":                {target: "/a?%75=admin&us%65r=a&us+er=b", change: acceptance{set: []parameter{{"u", "bob"}, {"us er", "c"}}}, want: "/a?us%65r=a&u=bob&us%20er=c"},
		"the last value counts":                {target: "/a", change: acceptance{set: []parameter{{"u", "a"}, {"u", "b"}}}, want: "/a?u=b"},
		"values are no further parameters":     {target: "/a", change: acceptance{set: []parameter{{"u", "a&b=c#d e=\r\n%2"}}}, want: "/a?u=a%26b=c%23d%20e=%0D%0A%252"},
		"names neither":                        {target: "/a", change: acceptance{set: []parameter{{"u=v&w", ""}}}, want: "/a?u%3Dv%26w="},
		"what is encoded stays so":             {target: "/a", change: acceptance{set: []parameter{{"u", "a%20b+ü"}}}, want: "/a?u=a%20b+%C3%BC"},
		"what is to go goes":                   {target: "/a?token=x&b=c&t%6fken", change: acceptance{unset: []string{"token"}}, want: "/a?b=c"},
		"a query of which all goes is no more": {target: "/a?token=x", change: acceptance{unset: []string{"token"}}, want: "/a"},
		"names have their case":                {target: "/a?Token=x", change: acceptance{unset: []string{"token"}}, want: "/a?Token=x"},
		"set, then removed":                    {target: "/a", change: acceptance{set: []parameter{{"u", "a"}}, unset: []string{"u"}}, want: "/a"},
	}
	for name, test := range tests {
		if got := test.change.changeQuery(test.target); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
