package homelab
import ("testing";"os";"context")
func TestHelm(t *testing.T){ p,err:=buildHelm(context.Background(),os.Stderr,"/work/main"); t.Log(p,err)}
