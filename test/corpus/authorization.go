package corpus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
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
// says otherwise. It gives an account of what it was told, as backends do: to the
// backend of what it lets in.
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

// Check implements Envoy's service.
func (authorization) Check(ctx context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	// The validation is Envoy's own.
	if err := r.ValidateAll(); err != nil {
		return nil, err
	}
	asked := r.GetAttributes().GetRequest().GetHttp()
	told := asked.GetHeaders()
	if pause, err := time.ParseDuration(told["delay"]); err == nil {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	given, err := accountOf(ctx, r.GetAttributes())
	if err != nil {
		return nil, err
	}
	headers := []*corev3.HeaderValueOption{header(accountHeader, given)}
	for name, value := range told {
		if name, ok := strings.CutPrefix(name, "respond-"); ok {
			headers = append(headers, header(name, value))
		}
	}
	if code, err := strconv.Atoi(told["respond"]); err == nil {
		return &authv3.CheckResponse{
			Status: &status.Status{Code: int32(codes.PermissionDenied)},
			HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
				Status: &typev3.HttpStatus{Code: typev3.StatusCode(code)}, Headers: headers, Body: "who are you?",
			}},
		}, nil
	}
	return &authv3.CheckResponse{
		Status: &status.Status{},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
			Headers:              headers,
			HeadersToRemove:      []string{"authorization"},
			ResponseHeadersToAdd: []*corev3.HeaderValueOption{header("Set-Cookie", "session=2")},
			QueryParametersToSet: []*corev3.QueryParameter{{Key: "user", Value: "bob"}},
		}},
	}, nil
}

// accountOf words what was told, as a backend does what it was asked.
func accountOf(ctx context.Context, told *authv3.AttributeContext) (string, error) {
	if !told.GetRequest().GetTime().IsValid() {
		return "", errors.New("the question has no time")
	}
	asked := told.GetRequest().GetHttp()
	local, _ := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	given := account{
		Backend: local.String(), Line: asked.GetMethod() + " " + asked.GetPath(), Host: asked.GetHost(),
		Headers: http.Header{}, Body: shorten(asked.GetBody()), HTTP2: true,
		Told: fmt.Sprintf("%d bytes by %s from %s", asked.GetSize(), asked.GetScheme(), told.GetSource().GetAddress().GetSocketAddress().GetAddress()),
	}
	for name, value := range asked.GetHeaders() {
		given.Headers.Set(name, value)
	}
	encoded, err := json.Marshal(given)
	return string(encoded), err
}

func header(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: name, Value: value}}
}
