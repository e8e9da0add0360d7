/** What tests use of it; it has no types of its own. */
declare module '@elastic/mockotlpserver' {
  export class MockOtlpServer {
    constructor(options: {
      readonly services: readonly ('http' | 'grpc' | 'ui')[];
      readonly httpHostname: string;
      readonly httpPort: number;
      readonly logLevel: string;
      readonly onTrace: (request: object) => void;
      readonly onRequest: (request: { readonly headers: Readonly<Record<string, string>> }) => void;
    });
    readonly httpUrl: URL;
    start(): Promise<void>;
    close(): Promise<void>;
  }
  /** Ids as hexadecimal text, enums by name, attributes as one object. */
  export const normalizeTrace: (request: object) => unknown;
}
declare module '@elastic/mockotlpserver/lib/proto.js' {
  type Message = {
    decode(bytes: Uint8Array): object;
    encode(message: object): { finish(): Uint8Array };
    toObject(message: object, options: Readonly<Record<string, unknown>>): object;
  };
  /** Of opentelemetry-proto as it was published. */
  export const getProtoRoot: () => { lookupType(name: string): Message };
}
