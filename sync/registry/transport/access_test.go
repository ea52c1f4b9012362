package transport

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	a := asUser(Access{IdentityToken: "secret", RegistryToken: "secret"})
	text, err := a.Password.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "***", string(text))
	for _, shown := range []string{fmt.Sprintf("%v", a), fmt.Sprintf("%+v", a), fmt.Sprintf("%#v", a), fmt.Sprintf("%q", a.Password), fmt.Sprintf("%x", a.Password), a.Password.String()} {
		require.NotContains(t, shown, "secret")
		require.NotContains(t, shown, "736563726574")
	}
}
