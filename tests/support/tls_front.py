"""TLS in front of a server of this machine that speaks HTTP, for tests. It prints its port, passes what arrives there on
to the server, and ends when its standard input ends.
usage: tls_front.py CERTIFICATE KEY PORT"""

import socket
import ssl
import sys
import threading


def pass_on(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side has left; the other one learns it
        for end in (source, target):
            end.close()


def serve(context, connection, port):
    try:
        client = context.wrap_socket(connection, server_side=True)
    except OSError:  # the client does not like the certificate
        connection.close()
        return
    server = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=pass_on, args=(client, server), daemon=True).start()
    pass_on(server, client)


def accept(context, listener, port):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(context, connection, port), daemon=True).start()


def main(certificate, key, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=(context, listener, int(port)), daemon=True).start()
    sys.stdin.read()


main(*sys.argv[1:])
