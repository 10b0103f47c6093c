# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel has to answer where C and Rust may differ on purpose.

A model of one kernel goes through a sequence with what that kernel did. It knows the
tables that are registered, the defaults of network namespaces, the permissions, and the
congestion control of each socket. From that follow the lists, which connection starts
on which table, and the name that a socket has. Of all else it knows nothing.
"""

from dataclasses import dataclass, field

from lib.fuzz.links import Links
from lib.fuzz.registry import TABLES, Registry, Table
from lib.fuzz.sequences import Arguments, Done, Step, operation

IMPLEMENTATIONS = len({number for number, _ in TABLES})
FIRST = 1         # the namespace that a sequence begins in; 0 is the initial one
COUNTED = ('connect', 'accept', 'set_cc')


@dataclass(eq=False)
class Socket:
    """A socket, and what its next connection or child uses."""
    namespace: int
    table: Table
    chosen: bool = False
    listens: bool = False
    connected: bool = False
    port: object | None = None         # shared by a listener and its children
    peer: 'Socket | None' = None
    queue: 'list[Socket]' = field(default_factory=list)

    def disconnect(self) -> None:
        """Leaves the connection at once, or the children that nobody has accepted."""
        for one in (self, *self.queue):
            if one.peer:
                one.peer.connected = False
        self.listens = self.connected = False
        self.port, self.queue = None, []

    def close(self) -> None:
        """The end of a socket; a peer is told that nothing more comes."""
        if self.listens:
            self.disconnect()


@dataclass
class Answer:
    """What a step should come to, as far as the model knows."""
    result: str | None = None
    started: list[int] = field(default_factory=list)

    def fits(self, done: Done) -> bool:
        return self.result in (None, done.result) and tuple(self.started) == done.started

    def __str__(self) -> str:
        return str(Done(self.result or 'any result', tuple(self.started)))


def ok(text: str) -> str:
    return f'ok {text}' if text else 'ok'


class Model:
    """One kernel."""

    def __init__(self, begin: str, follows: bool) -> None:
        default, available, allowed = (names.split() for names in begin.split(', '))
        self.links = Links()
        self.registry = Registry(available, allowed, follows)
        initial = self.registry.find(default[0]) or self.registry.listed[0]
        self.defaults = {0: initial, FIRST: initial}
        self.here = FIRST
        self.sockets: dict[int, Socket] = {}

    def run(self, step: Step, done: Done) -> Answer:
        """Takes in a step and what it did; returns what it should have done."""
        name, arguments = operation(step)
        answer = Answer(started=[0] * IMPLEMENTATIONS if name in COUNTED else [])
        method = getattr(self, f'run_{name}', None)
        if method:
            method(arguments, done, answer)
        if done.result.startswith('ok'):
            self.run_links(name, arguments)
        return answer

    def run_links(self, name: str, arguments: Arguments) -> None:
        replaced = self.links.run(name, arguments)
        if replaced:
            old, new = self.registry.replace(*replaced)
            if self.registry.follows:
                self.defaults = {namespace: new if table is old else table
                                 for namespace, table in self.defaults.items()}
        self.registry.keep(self.links.registered())

    # What a socket uses

    def socket(self, number: int) -> Socket:
        """The socket of a slot, opened if there is none."""
        if number not in self.sockets:
            self.sockets[number] = Socket(self.here, self.defaults[self.here])
        return self.sockets[number]

    def refreshed(self, socket: Socket) -> Table:
        """What a connection starts on."""
        return self.registry.current(socket.table) or self.defaults[socket.namespace]

    def start(self, socket: Socket, answer: Answer) -> None:
        """Calls init() of the socket's table."""
        if socket.table.implementation is not None:
            answer.started[socket.table.implementation] += 1

    # Steps on sockets

    def run_listen(self, arguments: Arguments, done: Done, _: Answer) -> None:
        socket = self.socket(arguments['socket'])
        if done.result == 'ok':
            socket.listens = True
            socket.port = socket.port or object()

    def run_set_cc(self, arguments: Arguments, done: Done, answer: Answer) -> None:
        socket, found = self.socket(arguments['socket']), self.registry.find(arguments['name'])
        if arguments['name']:
            answer.result = ('ENOENT' if not found else 'ok' if found is socket.table
                             or found.allowed or not arguments['ordinary'] else 'EPERM')
        if done.result != 'ok' or not found:
            return
        socket.chosen = True
        if found is not socket.table:
            socket.table = found
            if socket.connected:
                self.start(socket, answer)

    def run_get_cc(self, arguments: Arguments, done: Done, answer: Answer) -> None:
        if done.result.startswith('ok'):
            answer.result = ok(self.sockets[arguments['socket']].table.name)

    def run_connect(self, arguments: Arguments, done: Done, answer: Answer) -> None:
        socket, to = self.socket(arguments['socket']), self.sockets.get(arguments['to'])
        if done.result == 'ECONNREFUSED':
            socket.table = self.refreshed(socket)
        listener = next((one for one in self.sockets.values()
                         if to and one.listens and one.port is to.port), None)
        if not done.result.startswith('ok') or not listener:
            return
        socket.table = self.refreshed(socket)
        child = Socket(listener.namespace, listener.table if listener.chosen
                       else self.defaults[listener.namespace], listener.chosen,
                       port=listener.port, peer=socket)
        child.table = self.refreshed(child)
        socket.peer = child
        for end in (socket, child):
            end.connected = True
            self.start(end, answer)
        listener.queue.append(child)

    def run_disconnect(self, arguments: Arguments, done: Done, _: Answer) -> None:
        if done.result == 'ok':
            self.sockets[arguments['socket']].disconnect()

    def run_accept(self, arguments: Arguments, done: Done, answer: Answer) -> None:
        if not done.result.startswith('ok'):
            return
        listener = self.sockets[arguments['listener']]
        child = listener.queue.pop(0)
        listener.table = self.registry.current(listener.table) or listener.table
        self.close(arguments['socket'])
        self.sockets[arguments['socket']] = child
        answer.result = ok(child.table.name)

    def run_close(self, arguments: Arguments, done: Done, _: Answer) -> None:
        fd = arguments['fd']
        if done.result == 'ok' and isinstance(fd, dict) and 'socket' in fd:
            self.close(fd['socket'])

    def close(self, number: int) -> None:
        """Closes the socket of a slot, if there is one."""
        socket = self.sockets.pop(number, None)
        if socket:
            socket.close()

    # Steps on namespaces and sysctls

    def run_enter(self, arguments: Arguments, done: Done, _: Answer) -> None:
        if done.result == 'ok':
            self.here = arguments['namespace']
            self.defaults.setdefault(self.here, self.defaults[0])

    def run_read(self, arguments: Arguments, done: Done, answer: Answer) -> None:
        if not done.result.startswith('ok'):
            return
        tables = {'default': [self.defaults[self.here]],
                  'available': self.registry.listed,
                  'allowed': [table for table in self.registry.listed if table.allowed]}
        answer.result = ok(' '.join(table.name for table in tables[arguments['sysctl']]))

    def run_write_sysctl(self, arguments: Arguments, done: Done, answer: Answer) -> None:
        value = arguments['value']
        found = self.registry.find(value)
        if arguments['sysctl'] == 'default' and found:
            answer.result = 'ok' if self.here == 0 or found.allowed else 'EPERM'
            if done.result == 'ok':
                self.defaults[self.here] = found
                found.allowed |= self.here == 0
        elif arguments['sysctl'] == 'allowed' and done.result == 'ok':
            self.registry.allow(value.split())
