"""What the guard refuses inside a turn, by lint rule, and what a workflow does instead."""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast._guard.harmless import HARMLESS, Harmless


@dataclass(frozen=True, slots=True)
class Rule:
    """Say what calls of one lint rule do, as the rest of a sentence, and what to do instead."""

    does: str
    remedy: str


_ACTIVITY = "Move it into an activity"
_INPUT = "Pass the value as an argument where the run is started, or read it in an activity"

RULES = {
    "HF101": Rule("reads the clock", "Use workflow.now(), or move it into an activity"),
    "HF102": Rule("reads a clock", "Subtract two workflow.now(), or measure inside an activity"),
    "HF103": Rule("takes the current time", "Hand it a time, such as workflow.now()"),
    "HF105": Rule("takes the time zone of this machine", "Say which zone: workflow.now() is in UTC, and astimezone(ZoneInfo(…)) goes from there"),
    "HF111": Rule("draws from the shared random numbers", "Use workflow.random()"),
    "HF112": Rule("needs random numbers that nobody seeded", "Use workflow.random()"),
    "HF113": Rule("draws randomness from the system", "Use workflow.random(), or an activity for secrets"),
    "HF121": Rule("makes a random id", "Use workflow.uuid4()"),
    "HF122": Rule("asks which process or machine this is", _ACTIVITY),
    "HF201": Rule("reads the environment", _INPUT),
    "HF202": Rule("changes the environment", _ACTIVITY),
    "HF203": Rule("touches files", _ACTIVITY),
    "HF204": Rule("uses the network", _ACTIVITY),
    "HF205": Rule("uses a database", _ACTIVITY),
    "HF206": Rule("deals with processes or signals", _ACTIVITY),
    "HF207": Rule("reads the terminal", _INPUT),
    "HF301": Rule("hands work to a thread", _ACTIVITY),
    "HF302": Rule("hands work to another process", _ACTIVITY),
    "HF305": Rule("blocks the worker", "Await instead: `asyncio.sleep(…)`, a durable timer, or the locks, events and queues of asyncio"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """Name one guarded thing, as a user knows it, where it is kept, and when it is let through."""

    name: str
    rule: str
    place: str
    harmless: Harmless | None = None


# Functions of the interpreter, by rule. `a=b` is known to users as a and kept in b; `f/1` and `f/word` are let through
# when `harmless` says so.
_FUNCTIONS = {
    "HF101": "time.time time.time_ns time.clock_gettime time.clock_gettime_ns",
    "HF102": (
        "time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns time.process_time time.process_time_ns "
        "time.thread_time time.thread_time_ns os.times resource.getrusage"
    ),
    "HF103": "time.gmtime/1 time.asctime/1 time.strftime/2",
    "HF105": "time.localtime time.ctime time.mktime time.strftime/formatted",
    "HF113": "os.urandom os.getrandom ssl.RAND_bytes=_ssl.RAND_bytes",
    "HF121": "uuid.uuid1=_uuid.generate_time_safe",
    "HF122": (
        "os.getpid os.getppid os.getlogin os.uname os.cpu_count os.confstr os.getegid os.geteuid os.getgid os.getgrouplist "
        "os.getgroups os.getloadavg os.getpgid os.getpgrp os.getpriority os.getresgid os.getresuid os.getsid os.getuid "
        "os.sched_getaffinity os.sched_getparam os.sched_getscheduler os.sched_rr_get_interval os.sysconf pwd.getpwnam "
        "pwd.getpwuid pwd.getpwall grp.getgrnam grp.getgrgid grp.getgrall resource.getrlimit socket.gethostname=_socket.gethostname "
        "socket.gethostbyname=_socket.gethostbyname"
    ),
    "HF202": "os.putenv os.unsetenv locale.setlocale=_locale.setlocale/query",
    "HF203": (
        "open=builtins.open io.open_code os.access os.chdir os.fchdir os.chmod os.fchmod os.lchmod os.chown os.fchown os.lchown os.close os.fstat "
        "os.fsync os.fdatasync os.ftruncate os.getcwd os.getcwdb os.link os.listdir os.lseek os.lstat os.mkdir os.mkfifo "
        "os.mknod os.open os.pipe os.pipe2 os.pread os.pwrite os.read os.readlink os.readv os.remove os.rename "
        "os.replace os.rmdir os.scandir os.sendfile os.stat os.statvfs os.symlink os.truncate os.unlink os.utime "
        "os.write os.writev os.chroot os.closerange os.copy_file_range os.ctermid os.device_encoding os.dup os.dup2 "
        "os.eventfd os.eventfd_read os.eventfd_write os.fpathconf os.fstatvfs os.get_blocking os.get_inheritable "
        "os.get_terminal_size os.getxattr os.grantpt os.isatty os.listxattr os.lockf os.login_tty os.memfd_create "
        "os.openpty os.pathconf os.posix_fadvise os.posix_fallocate os.posix_openpt os.preadv os.ptsname os.pwritev "
        "os.removexattr os.set_blocking os.set_inheritable os.setxattr os.splice os.sync os.tcgetpgrp os.tcsetpgrp "
        "os.timerfd_create os.timerfd_gettime os.timerfd_gettime_ns os.timerfd_settime os.timerfd_settime_ns os.ttyname "
        "os.umask os.unlockpt fcntl.fcntl fcntl.ioctl fcntl.flock fcntl.lockf dbm.gnu.open=_gdbm.open "
        "dbm.ndbm.open=_dbm.open"
    ),
    "HF204": (
        "socket.getaddrinfo=_socket.getaddrinfo socket.getnameinfo=_socket.getnameinfo "
        "socket.gethostbyname_ex=_socket.gethostbyname_ex socket.gethostbyaddr=_socket.gethostbyaddr "
        "socket.socketpair=_socket.socketpair"
    ),
    "HF205": "sqlite3.connect=_sqlite3.connect",
    "HF206": (
        "subprocess.Popen=_posixsubprocess.fork_exec os.fork os.forkpty os.system os.posix_spawn os.posix_spawnp "
        "os.execv os.execve os.kill os.killpg os.wait os.wait3 os.wait4 os.waitid os.waitpid os._exit os.abort "
        "os.initgroups os.nice os.pidfd_open os.sched_setaffinity os.sched_setparam os.sched_setscheduler os.sched_yield "
        "os.setegid os.seteuid os.setgid os.setgroups os.setns os.setpgid os.setpgrp os.setpriority os.setregid os.setresgid "
        "os.setresuid os.setreuid os.setsid os.setuid os.unshare signal.alarm=_signal.alarm "
        "signal.getitimer=_signal.getitimer signal.pidfd_send_signal=_signal.pidfd_send_signal "
        "signal.pthread_kill=_signal.pthread_kill signal.pthread_sigmask=_signal.pthread_sigmask "
        "signal.raise_signal=_signal.raise_signal signal.set_wakeup_fd=_signal.set_wakeup_fd "
        "signal.setitimer=_signal.setitimer signal.siginterrupt=_signal.siginterrupt signal.signal=_signal.signal "
        "signal.sigpending=_signal.sigpending"
    ),
    "HF207": "input=builtins.input",
    "HF301": "_thread.start_new_thread _thread.start_new _thread.start_joinable_thread",
    "HF302": "multiprocessing.shared_memory.SharedMemory=_posixshmem.shm_open",
    "HF305": "time.sleep signal.pause=_signal.pause signal.sigwait=_signal.sigwait signal.sigwaitinfo=_signal.sigwaitinfo "
    "signal.sigtimedwait=_signal.sigtimedwait select.select",
}  # fmt: skip

# Methods of classes. `Class.__init__` is what making one calls.
_METHODS = {
    "HF101": "datetime.datetime.now datetime.datetime.utcnow datetime.date.today",
    "HF105": (
        "datetime.datetime.astimezone/zoned datetime.datetime.fromtimestamp/3 datetime.datetime.timestamp/aware "
        "datetime.date.fromtimestamp datetime.datetime.strptime=_strptime._strptime/parsed"
    ),
    "HF111": "random.seed",
    "HF112": (
        "random.Random.__init__/2 random.Random.seed/2 _random.Random.__init__/2 _random.Random.seed/2"
    ),
    "HF201": (
        "os.environ=os._Environ.__getitem__ os.environ=os._Environ.__iter__ os.environ=os._Environ.__len__ "
        "os.environ=os._Environ.__repr__"
    ),
    "HF202": "os.environ=os._Environ.__setitem__ os.environ=os._Environ.__delitem__",
    "HF122": "uuid.getnode platform.uname platform.platform",
    "HF203": "io.FileIO.__init__",
    "HF204": (
        "socket.socket.__init__ socket.socket.accept socket.socket.bind socket.socket.connect socket.socket.connect_ex "
        "socket.socket.listen socket.socket.recv socket.socket.recv_into socket.socket.recvfrom "
        "socket.socket.recvfrom_into socket.socket.recvmsg socket.socket.recvmsg_into socket.socket.send "
        "socket.socket.sendall socket.socket.sendmsg socket.socket.sendto socket.socket.sendfile ssl.SSLSocket.read "
        "ssl.SSLSocket.write ssl.SSLSocket.do_handshake"
    ),
    "HF205": (
        "sqlite3.Connection.__init__ sqlite3.Connection.commit sqlite3.Connection.execute sqlite3.Connection.executemany "
        "sqlite3.Connection.executescript sqlite3.Cursor.execute sqlite3.Cursor.executemany sqlite3.Cursor.executescript"
    ),
    "HF301": "concurrent.futures.thread.ThreadPoolExecutor.submit asyncio.run_coroutine_threadsafe asyncio.tasks.run_coroutine_threadsafe",
    "HF305": (
        "threading.Condition.wait/zero threading.Thread.join/ended queue.SimpleQueue.get=_queue.SimpleQueue.get/stocked "
        "select.poll().poll select.epoll.poll select.kqueue.control"
    ),
}  # fmt: skip

# A lock is refused to those who would wait for it: `acquire` and `with`.
LOCK = Call(
    "threading.Lock.acquire",
    "HF305",
    "_thread.lock.acquire",
    Harmless(lambda *_: False, " that waits long"),
)

# The shared generator behind `random.random`, `random.choice` and the rest draws through these two.
SHARED_DRAWS = ("random", "getrandbits")

# Libraries whose calls are known by what they are for, not by the first thing that they touch.
PURPOSES = {
    "concurrent.futures.process": "HF302",
    "email.utils": "HF103",
    "ftplib": "HF204",
    "getpass": "HF207",
    "getpass.getuser": "HF122",
    "http.client": "HF204",
    "httpcore": "HF204",
    "httpx": "HF204",
    "imaplib": "HF204",
    "multiprocessing": "HF302",
    "os.popen": "HF206",
    "platform": "HF122",
    "poplib": "HF204",
    "random.SystemRandom": "HF112",
    "requests": "HF204",
    "secrets": "HF113",
    "shelve": "HF203",
    "smtplib": "HF204",
    "socket.getfqdn": "HF122",
    "sqlite3": "HF205",
    "ssl.get_server_certificate": "HF204",
    "subprocess": "HF206",
    "tempfile": "HF203",
    "signal": "HF206",
    "threading": "HF301",
    "urllib.request": "HF204",
    "uuid": "HF121",
    "uuid.getnode": "HF122",
    "webbrowser": "HF204",
    "xmlrpc.client": "HF204",
}

# What the linter reports and the guard lets pass, and why.
PASSED = {
    "threading.get_ident": "the standard library calls it for every `repr` of a container",
    "threading.get_native_id": "the standard library calls it when it makes threads and logs",
    "os.path.abspath": "an absolute path is only tidied; a relative one asks `os.getcwd`, which is refused",
    "os.path.expandvars": "without a `$` in it, a path is returned as it is; else the environment is read, which is refused",
    "os.fdopen": "it opens a descriptor by `open`, which is refused; a wrong descriptor is an error before that",
    "threading.Thread": "making the object does nothing; `start` is refused",
    "threading.Timer": "making the object does nothing; `start` is refused",
    "concurrent.futures.ThreadPoolExecutor": "making the object does nothing; `submit` is refused",
    "concurrent.futures.thread.ThreadPoolExecutor": "making the object does nothing; `submit` is refused",
    "multiprocessing.Process": "making the object does nothing; `start` is refused",
    "pathlib.Path().is_junction": "there are none outside Windows, so nothing is asked",
    "mmap.mmap": "it needs a descriptor, and opening one is refused",
    "os.walk": "it does nothing until it is iterated, which is refused",
    "linecache.getline": "tracebacks and warnings need it",
    "linecache.getlines": "tracebacks and warnings need it",
    "tomllib.load": "it is handed an open file, and opening one is refused",
    "time.altzone": "a plain number, set when Python starts, whose reads cannot be seen",
    "time.daylight": "a plain number, set when Python starts, whose reads cannot be seen",
    "time.timezone": "a plain number, set when Python starts, whose reads cannot be seen",
    "time.tzname": "a plain tuple, set when Python starts, whose reads cannot be seen",
    "sys.argv": "a plain list, whose reads cannot be seen",
    "sys.orig_argv": "a plain list, whose reads cannot be seen",
    "sys.stdin": "a file that is open already; `input()` is refused",
}


def functions() -> Iterator[Call]:
    """Yield the functions of the interpreter."""
    return _calls(_FUNCTIONS)


def methods() -> Iterator[Call]:
    """Yield the methods, and the functions that are written in Python."""
    return _calls(_METHODS)


def _calls(table: dict[str, str]) -> Iterator[Call]:
    for rule, names in table.items():
        for entry in names.split():
            named, _, word = entry.partition("/")
            name, _, place = named.partition("=")
            known = name.removesuffix(".__init__")
            yield Call(known, rule, place or name, HARMLESS[word] if word else None)
