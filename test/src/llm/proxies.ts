// A real proxy on loopback: tunnels CONNECT and passes plain requests on, to one port whatever host is asked for, and tells what it saw.
import * as http from "node:http";
import * as https from "node:https";
import * as net from "node:net";
import { close, listen, type Identity } from "./certificates.ts";

export interface ProxyOptions {
  /** Where everything goes. */
  readonly to?: number;
  /** `user:password` it insists on. */
  readonly credentials?: string;
  /** What it answers every CONNECT with; `hang`: nothing. */
  readonly answer?: string;
  /** Is spoken to by TLS. */
  readonly identity?: Identity;
}

export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** `CONNECT host:443`, `POST http://host`. */
  readonly asked: readonly string[];
  /** CONNECTs that are open. */
  readonly open: number;
}

export async function serveProxy({ to = 0, credentials, answer, identity }: ProxyOptions = {}): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const tunnels = new Set<net.Socket>();
  const isKnown = ({ headers }: http.IncomingMessage): boolean =>
    credentials === undefined || headers["proxy-authorization"] === `Basic ${Buffer.from(credentials).toString("base64")}`;
  const pass = (incoming: http.IncomingMessage, response: http.ServerResponse): void => {
    asked.push(`${incoming.method} ${new URL(incoming.url ?? "", "http://none").origin}`);
    if (!isKnown(incoming)) return void response.writeHead(407).end(`who is ${incoming.headers["proxy-authorization"]}?`);
    const { pathname } = new URL(incoming.url ?? "");
    const onward = http.request(
      { port: to, path: pathname, method: incoming.method ?? "GET", headers: incoming.headers, agent: false },
      (reply) => {
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(response);
      },
    );
    incoming.pipe(onward);
  };
  const server = identity === undefined ? http.createServer(pass) : https.createServer(identity, pass);
  server.on("connection", (socket: net.Socket) => sockets.add(socket));
  server.on("tlsClientError", () => undefined);
  server.on("connect", (incoming: http.IncomingMessage, socket: net.Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    tunnels.add(socket);
    socket.on("error", () => undefined).on("close", () => tunnels.delete(socket));
    if (answer === "hang") return void socket.resume().on("end", () => socket.destroy());
    if (answer !== undefined) return void socket.resume().end(answer);
    if (!isKnown(incoming)) return void socket.end("HTTP/1.1 407 no\r\n\r\n");
    const onward = net.connect(to, "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    sockets.add(onward);
    onward.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  const port = await listen(server);
  return {
    port,
    asked,
    get open() {
      return tunnels.size;
    },
    [Symbol.asyncDispose]: () => close(server, sockets),
  };
}
