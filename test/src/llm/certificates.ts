// Certificates made for one test by openssl: an authority nobody knows, and servers behind its signature or their own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

export interface Authority extends Disposable {
  /** PEM file of its certificate. */
  readonly path: string;
  /** A server's certificate for names like `DNS:models.example`, valid for `days` from now. */
  sign(names: string, days?: number): Identity;
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];

export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), "rlm-ca-"));
  const openssl = (args: readonly string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  openssl(["req", "-x509", ...NEW_KEY, "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Authority of a test"]);
  return {
    path: join(folder, "ca.pem"),
    sign(names, days = 1) {
      openssl(["req", "-new", ...NEW_KEY, "key", "-out", "csr", "-subj", "/CN=server", "-addext", `subjectAltName=${names}`]);
      const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy", "-days", String(days)];
      openssl(["x509", "-req", "-in", "csr", ...signed, "-out", "cert"]);
      return { key: read("key"), cert: read("cert") };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** TLS in front of a plain server; what comes out of it is what goes in there. */
export async function serveTls(identity: Identity, plainUrl: string): Promise<{ readonly port: number } & AsyncDisposable> {
  const { port } = new URL(plainUrl);
  const open = new Set<net.Socket>();
  const server = tls.createServer(identity, (outer) => {
    const inner = net.connect(Number(port), "127.0.0.1");
    for (const socket of [outer, inner]) {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => [outer, inner].forEach((each) => each.destroy()));
    }
    outer.pipe(inner).pipe(outer);
  });
  server.on("tlsClientError", () => undefined);
  return { port: await listen(server), [Symbol.asyncDispose]: () => close(server, open) };
}

/** On loopback, at a free port. */
export async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}

export async function close(server: net.Server, open: Iterable<net.Socket>): Promise<void> {
  for (const socket of open) socket.destroy();
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
