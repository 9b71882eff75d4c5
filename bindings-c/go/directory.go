package pigato

// #include "helpers.h"
import "C"

import "sync"

// Directory is a directory service: it tells who offers what under the name `$dir`, in the broker's place. A broker of
// this library answers by itself; published ones need such a service. Client.Directory and Client.Workers ask.
type Directory struct {
	once   sync.Once
	handle *C.pigato_directory
}

// NewDirectory starts a directory service at the broker at endpoint that publishes at intch. It runs until Close,
// whether anything refers to it or not.
func NewDirectory(endpoint, intch string) (*Directory, error) {
	result := C.pigato_go_directory_start(textPointer(endpoint), C.size_t(len(endpoint)),
		textPointer(intch), C.size_t(len(intch)))
	if err := failure(result); err != nil {
		return nil, err
	}
	return &Directory{handle: (*C.pigato_directory)(result.handle)}, nil
}

// Close stops the directory service. Closing again does nothing. It never fails; the result is there for io.Closer.
func (d *Directory) Close() error {
	d.once.Do(func() { C.pigato_directory_free(d.handle) })
	return nil
}
