/** What the server's files need from Node: the page takes types from them and never calls them. */
declare module 'node:crypto';
