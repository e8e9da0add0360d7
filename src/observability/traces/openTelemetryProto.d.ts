/** What tests use of the generated code; its own types say no more than that it is something of protobufjs. */
declare module 'opentelemetry-proto/build/src/generated/root.js' {
  type Message = {
    decode(bytes: Uint8Array): object;
    encode(message: object): { finish(): Uint8Array };
    toObject(message: object, options: Readonly<Record<string, unknown>>): object;
  };
  const root: {
    readonly opentelemetry: {
      readonly proto: {
        readonly collector: {
          readonly trace: {
            readonly v1: {
              readonly ExportTraceServiceRequest: Message;
              readonly ExportTraceServiceResponse: Message;
            };
          };
        };
      };
    };
  };
  export default root;
}
