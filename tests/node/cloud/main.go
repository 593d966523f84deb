// The front doors of Azure, outside of the cluster: TLS under Azure's own host names, by a certificate authority of our own, in
// front of an emulator that knows neither. So a connection names the hosts that it names in production, and the operator
// runs with its shipped options.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"
)

const authority = "login.microsoftonline.com"

// The parents of Speech resources' hosts; the emulator has a resource below the path that its host begins with.
var parents = []string{".cognitiveservices.azure.com", ".api.cognitive.microsoft.com"}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	listen := flag.String("listen", "", "address")
	root := flag.String("root", "", "file to write the root certificate to")
	speech := flag.String("speech", "", "URL of the emulator")
	entra := flag.String("entra", "", "URL of its authority")
	flag.Parse()
	certificate := sign(*root)
	speechURL, entraURL := must(url.Parse(*speech)), must(url.Parse(*entra))
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { route(r, speechURL, entraURL) },
		// The authority of the emulator has a certificate for another name.
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	listener := must(tls.Listen("tcp", *listen, config))
	fmt.Println("listening")
	log.Fatal(http.Serve(listener, proxy))
}

// route sends a request on, with the host that the client wrote.
func route(r *httputil.ProxyRequest, speech, entra *url.URL) {
	host := r.In.Host
	target := *entra
	if host != authority {
		for _, parent := range parents {
			if name, found := strings.CutSuffix(host, parent); found {
				target = *speech
				target.Path = "/" + name
			}
		}
	}
	r.SetURL(&target)
	r.Out.Host = host
}

// sign makes a root, writes it to a file, and returns a certificate of it for all hosts.
func sign(file string) tls.Certificate {
	now := time.Now()
	template := func(name string, number int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true,
		}
	}
	root := template("emulated cloud", 1)
	root.IsCA, root.KeyUsage = true, x509.KeyUsageCertSign
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rootDER := must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
	if err := os.WriteFile(file, text, 0o644); err != nil {
		log.Fatal(err)
	}
	leaf := template(authority, 2)
	leaf.DNSNames = []string{authority}
	for _, parent := range parents {
		leaf.DNSNames = append(leaf.DNSNames, "*"+parent)
	}
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey))
	return tls.Certificate{Certificate: [][]byte{der, rootDER}, PrivateKey: key}
}
