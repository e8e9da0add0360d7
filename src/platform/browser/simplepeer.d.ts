/** The bundled build needs no Node polyfills; it has no types of its own. */
declare module 'simple-peer/simplepeer.min.js' {
  import type SimplePeer from 'simple-peer';

  const Peer: SimplePeer.SimplePeer;
  export default Peer;
}
