// Whose certificates are believed: Node's own list, NODE_EXTRA_CA_CERTS, and this machine's store, where companies put the authority of
// theirs. SSL_CERT_FILE and SSL_CERT_DIR name another store.
import * as tls from "node:tls";

let trusted: tls.SecureContext | undefined;

/** Read when the first connection needs it, and once: the store takes about 60 ms. */
export function trustedContext(): tls.SecureContext {
  const authorities = () => [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])];
  trusted ??= tls.createSecureContext({ ca: authorities() });
  return trusted;
}
