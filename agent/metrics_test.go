package agent

import "testing"

func TestStubStatusIsRead(t *testing.T) {
	t.Parallel()
	got, err := parseStubStatus("Active connections: 291 \nserver accepts handled requests\n" +
		" 16630948 16630947 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n")
	want := stubStatus{active: 291, accepted: 16630948, handled: 16630947, requests: 31070465, reading: 6, writing: 179, waiting: 106}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if _, err := parseStubStatus("<html>"); err == nil {
		t.Error("something else is read as stub_status")
	}
}
