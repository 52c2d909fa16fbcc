/**
 * How long the rest of a request is read away after a reply that ends the connection. To close while the
 * client still sends would reset the connection, and the reset can take the reply with it (RFC 9112 §9.6).
 */
export const lingerMs = 2_000;
