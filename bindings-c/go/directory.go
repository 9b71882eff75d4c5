package pigato

// #include "helpers.h"
import "C"

import "sync"

// Directory is a directory service: a worker that lists which workers offer which service, under
// the name $dir, for Client.Directory and Client.Workers. Only brokers of the published package
// need one; brokers of this library answer by themselves.
type Directory struct {
	once   sync.Once
	handle *C.pigato_directory
}

// NewDirectory starts a directory service for the broker that listens on endpoint and publishes its
// workers on intch. It runs until Close, even if nothing refers to it. NewDirectory returns
// ErrEndpoint if one of the endpoints cannot be used.
func NewDirectory(endpoint, intch string) (*Directory, error) {
	result := C.pigato_go_directory_start(textPointer(endpoint), C.size_t(len(endpoint)),
		textPointer(intch), C.size_t(len(intch)))
	if err := failure(result); err != nil {
		return nil, err
	}
	return &Directory{handle: (*C.pigato_directory)(result.handle)}, nil
}

// Close stops the directory service. Further calls do nothing. Close always returns nil; the result
// satisfies io.Closer.
func (d *Directory) Close() error {
	d.once.Do(func() { C.pigato_directory_free(d.handle) })
	return nil
}
