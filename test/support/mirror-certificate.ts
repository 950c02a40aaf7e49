/**
 * The certificate of mirrors that speak TLS: self-signed, for 127.0.0.1, from 2020 to 2119. Its key is no secret; a
 * process believes it only when it is told to, with NODE_EXTRA_CA_CERTS.
 */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBcDCCARagAwIBAgIBATAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBN2bWltYWdl
IHRlc3QgbWlycm9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMTkxMjMxMjM1OTU5WjAe
MRwwGgYDVQQDDBN2bWltYWdlIHRlc3QgbWlycm9yMFkwEwYHKoZIzj0CAQYIKoZI
zj0DAQcDQgAE0zssYNuxMlOW/dLhefO/eEsuDHDrCFJmc+edX2So3hEqE8uArQ2o
2FuI/FFYTIcoc8DHaC607PfUahJ4NP282qNDMEEwDwYDVR0RBAgwBocEfwAAATAP
BgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBRtO9DdV3p4R6N2sucReqnyAI5RmDAK
BggqhkjOPQQDAgNIADBFAiB0szgKgb9SfbWdat8BbxOatzklGzeZLIf02qKjXJw1
4wIhAJG0Yqs8x9xxDPAztASLNnzmyDQtaNjZzVat/flULobM
-----END CERTIFICATE-----
`

export const certificateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXLgyg22z77D8mjg3
6RRbaRdNdegrTW8qu5NZN3pT3rWhRANCAATTOyxg27EyU5b90uF58794Sy4McOsI
UmZz551fZKjeESoTy4CtDajYW4j8UVhMhyhzwMdoLrTs99RqEng0/bza
-----END PRIVATE KEY-----
`
