package pgcluster

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine answers the finder's questions: versions by folder, what PATH and pg_config name.
func machine(path, config string, versions map[string]int, folders ...string) finder {
	missing := errors.New("not there")
	return finder{
		lookPath: func(string) (string, error) {
			if path == "" {
				return "", missing
			}
			return path + "/postgres", nil
		},
		folders: func() []string { return folders },
		pgConfig: func() (string, error) {
			if config == "" {
				return "", missing
			}
			return config, nil
		},
		version: func(dir string) (int, error) {
			if v, ok := versions[dir]; ok {
				return v, nil
			}
			return 0, missing
		},
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	versions := map[string]int{"/path": 16, "/old": 13, "/v9": 9, "/v15": 15, "/v17": 17, "/config": 18}
	tests := map[string]struct {
		finder finder
		major  int
		want   string
	}{
		"PATH comes first":                      {machine("/path", "", versions, "/v17"), 0, "/path"},
		"PATH that is too old is passed over":   {machine("/old", "", versions, "/v15"), 0, "/v15"},
		"the highest folder, by number":         {machine("", "", versions, "/v9", "/v17", "/v15"), 0, "/v17"},
		"pg_config comes last":                  {machine("", "/config", versions, "/v9"), 0, "/config"},
		"a data folder asks for its version":    {machine("/path", "", versions, "/v17", "/v15"), 15, "/v15"},
		"a folder without programs is no find":  {machine("", "/nothing", versions, "/v15", "/empty"), 0, "/v15"},
		"PATH without initdb is passed over":    {machine("/client", "", versions, "/v15"), 0, "/v15"},
		"what PATH has is used for its version": {machine("/path", "", versions, "/v17"), 16, "/path"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.finder.find(test.major)
			require.NoError(t, err)
			require.Equal(t, test.want, got.dir)
		})
	}
}

func TestFindSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	_, err := machine("", "", nil).find(0)
	require.ErrorIs(t, err, ErrNoServer)
	require.ErrorContains(t, err, "version 15 or newer")
	require.ErrorContains(t, err, "apt-get install postgresql")
	require.ErrorContains(t, err, "DATABASE_URL")

	_, err = machine("/old", "", map[string]int{"/old": 13}).find(0)
	require.ErrorIs(t, err, ErrNoServer)
	require.ErrorContains(t, err, "found only 13 in /old")

	_, err = machine("/new", "", map[string]int{"/new": 17}).find(15)
	require.ErrorContains(t, err, "version 15, which made the data folder")
}

func TestFindOnThisMachine(t *testing.T) {
	t.Parallel()
	dir, err := Find()
	require.NoError(t, err)
	major, err := programVersion(dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, major, MinMajor)
}
