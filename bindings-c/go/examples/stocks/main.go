// Stocks streams the rows of a CSV table as partial replies. The client gets each row as the worker
// reads it, and a slow client slows the worker down.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

const table = `symbol,day,close
ACME,2024-01-02,101.50
ACME,2024-01-03,99.25
GLOBEX,2024-01-02,12.00
ACME,2024-01-04,103.75
`

// Row is the price of one day.
type Row struct {
	Day   string `json:"day"`
	Close string `json:"close"`
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch(""))
	if err != nil {
		return err
	}
	defer broker.Close()

	worker, err := pigato.NewWorker(broker.Endpoint(), "stocks", rows)
	if err != nil {
		return err
	}
	defer worker.Close()

	client, err := pigato.NewClient(broker.Endpoint())
	if err != nil {
		return err
	}
	defer client.Close()

	stream, err := client.Stream(context.Background(), "stocks", "ACME")
	if err != nil {
		return err
	}
	for reply, err := range stream.All() {
		if err != nil {
			return err
		}
		if reply.IsFinal() {
			break
		}
		var row Row
		if err := reply.Decode(&row); err != nil {
			return err
		}
		fmt.Println(row.Day, row.Close)
	}
	return nil
}

// rows answers with every row of the requested symbol.
func rows(ctx context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
	var symbol string
	if err := req.Decode(&symbol); err != nil {
		return err
	}
	reader := csv.NewReader(strings.NewReader(table))
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if record[0] != symbol {
			continue
		}
		if err := w.Write(ctx, Row{Day: record[1], Close: record[2]}); err != nil {
			return err
		}
	}
}
