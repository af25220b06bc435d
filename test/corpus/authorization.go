package corpus

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// checkPath is where calls of Envoy's protocol of authorization go.
const checkPath = authv3.Authorization_Check_FullMethodName

// authorization lets requests in, unless their own "Respond" header, if it is told,
// says otherwise. What it was told it has the backend see, or the client.
type authorization struct {
	authv3.UnimplementedAuthorizationServer
}

func newAuthorization() http.Handler {
	s := grpc.NewServer()
	authv3.RegisterAuthorizationServer(s, authorization{})
	return s
}

// orAuthorize answers calls of Envoy's protocol, and has others answered by respond.
func orAuthorize(respond http.HandlerFunc) http.Handler {
	calls := newAuthorization()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == checkPath && r.ProtoMajor == 2 {
			calls.ServeHTTP(w, r)
			return
		}
		respond(w, r)
	})
}

// told is an account of a question.
type told struct {
	Source  string
	Line    string
	Scheme  string
	Host    string
	Headers map[string]string
	Size    int64
	Body    string
}

func (authorization) Check(ctx context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	// The validation is Envoy's own.
	if err := r.ValidateAll(); err != nil {
		return nil, err
	}
	asked := r.GetAttributes().GetRequest().GetHttp()
	if !r.GetAttributes().GetRequest().GetTime().IsValid() {
		return nil, errors.New("the question has no time")
	}
	account, err := json.Marshal(told{
		Source: r.GetAttributes().GetSource().GetAddress().GetSocketAddress().GetAddress(),
		Line:   asked.GetMethod() + " " + asked.GetPath(), Scheme: asked.GetScheme(), Host: asked.GetHost(),
		Headers: asked.GetHeaders(), Size: asked.GetSize(), Body: asked.GetBody(),
	})
	if err != nil {
		return nil, err
	}
	if pause, err := time.ParseDuration(asked.GetHeaders()["delay"]); err == nil {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var headers []*corev3.HeaderValueOption
	for name, value := range asked.GetHeaders() {
		if name, ok := strings.CutPrefix(name, "respond-"); ok {
			headers = append(headers, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: name, Value: value}})
		}
	}
	out := &authv3.CheckResponse{Status: &status.Status{}}
	if code, err := strconv.Atoi(asked.GetHeaders()["respond"]); err == nil {
		out.Status.Code = int32(codes.PermissionDenied)
		out.HttpResponse = &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(code)},
			Headers: append(headers, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: "X-Asked", Value: string(account)}}),
			Body:    "who are you?",
		}}
		return out, nil
	}
	out.HttpResponse = &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
		Headers:              append(headers, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: "X-Asked", Value: string(account)}}),
		HeadersToRemove:      []string{"authorization"},
		ResponseHeadersToAdd: []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: "Set-Cookie", Value: "session=2"}}},
		QueryParametersToSet: []*corev3.QueryParameter{{Key: "user", Value: "bob"}},
	}}
	return out, nil
}
