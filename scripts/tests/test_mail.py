# SPDX-License-Identifier: GPL-2.0-only
"""Series as mails: what they say, to whom they go, and that some cannot be sent."""

import subprocess
import tempfile
import unittest
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from unittest import mock

from lib import history, mail, source
from lib.content import Content
from lib.errors import Failure
from lib.history import PLACEHOLDER, git
from lib.mail import Style
from lib.maintainers import Maintainers, Recipients, parse
from lib.patches import Patch
from lib.source import Source
from lib.tree import Tree
from tests.test_tree import MAKEFILE, MORE, OWN, PATCH

SAID = """Ann Åse <ann@example.org> (maintainer:NET,reviewer:RUST)
Bob <bob@example.org> (reviewer:NET)
Bob <bob@example.org> (supporter:OTHER)
net@example.org (open list:NET)
"""
COVER = 'net: one and two\n\nIt counts.\n\nFurther.\n'
SECOND = PATCH.partition('Overlay')[0].replace('A <a@example.org>', PLACEHOLDER).replace(
    '\n---', f'\nSigned-off-by: {PLACEHOLDER}\n---') + MORE
FIT = Style('Eve <eve@kernel.org>')


class MailTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        linux = Tree(self.top / 'linux')
        Content(b'one\ntwo\nthree\n').put(linux.root / 'net/old.c')
        linux.keep_state('linux', [])
        for name in ('first', 'second'):
            Content(COVER.encode()).put(self.top / 'patches' / name / 'cover.txt')
        patcher = mock.patch('lib.mail.TOP', self.top)
        patcher.start()
        self.addCleanup(patcher.stop)
        self.patches = [Patch(self.top / 'first/0001-two.patch', PATCH),
                        Patch(self.top / 'second/0001-three.patch', SECOND)]
        self.repository = self.top / 'repository'
        self.maintainers = mock.Mock(spec=Maintainers)
        self.maintainers.of.return_value = parse(SAID)
        self.linux = linux

    def write(self, style: Style = FIT, name: str = 'second') -> tuple[list[Path], list[Message]]:
        history.make(self.repository, self.patches, OWN, self.linux, style.author)
        before = {'first': 'upstream', 'second': 'first'}[name]
        made = mail.write(self.repository, name, before, self.top / 'out', style, 'base: Linux',
                          self.maintainers)
        mail.check(self.repository, name, before, made)
        return made, [message_from_bytes(path.read_bytes().partition(b'\n')[2]) for path in made]

    def test_the_cover_letter(self) -> None:
        made, mails = self.write()
        self.assertEqual([path.name for path in made],
                         ['0000-cover-letter.patch', '0001-net-change-two.patch'])
        self.assertEqual((mails[0]['Subject'], mails[0]['From']),
                         ('[PATCH 0/1] net: one and two', FIT.author))
        text = str(mails[0].get_payload())
        self.assertIn('It counts.\n\nFurther.\n', text)
        self.assertIn('net/old.c | 2 +-', text)
        first = git(self.repository, 'diff', 'upstream', 'first')
        patch_id = git(self.repository, 'patch-id', '--stable', stdin=first).split()[0]
        self.assertTrue(text.endswith(f'\nbase: Linux\nprerequisite-patch-id: {patch_id}\n\n'))

    def test_the_author(self) -> None:
        text = self.write()[0][1].read_text(encoding='utf-8')
        self.assertIn(f'\nFrom: {FIT.author}\n', text)
        self.assertIn(f'\nSigned-off-by: {FIT.author}\n', text)
        self.assertNotIn(PLACEHOLDER, text)

    def test_another_author_stays(self) -> None:
        _, mails = self.write(name='first')
        self.assertEqual(mails[1]['From'], 'A <a@example.org>')
        self.assertNotIn('Overlay', str(mails[1]))

    def test_version_and_prefix(self) -> None:
        for prefix, subject in {'RFC': '[RFC PATCH v3 1/1] net: change two',
                                'PATCH bpf-next': '[PATCH bpf-next v3 1/1] net: change two',
                                '': '[PATCH v3 1/1] net: change two'}.items():
            made, mails = self.write(Style(FIT.author, 3, prefix))
            self.assertEqual((mails[1]['Subject'], made[1].name),
                             (subject, 'v3-0001-net-change-two.patch'))
            subprocess.run(['rm', '-rf', self.repository], check=True)

    def test_recipients(self) -> None:
        for message in self.write()[1]:
            to = str(make_header(decode_header(message['To'])))
            self.assertEqual(' '.join(to.split()),
                             'Ann Åse <ann@example.org>, Bob <bob@example.org>')
            self.assertEqual(message['Cc'], 'net@example.org')

    def test_a_placeholder_is_not_for_mailing(self) -> None:
        made, mails = self.write(Style())
        self.maintainers.of.assert_not_called()
        for path, message in zip(made, mails, strict=True):
            self.assertIn('a placeholder', message['X-Not-For-Mailing'])
            self.assertIsNone(message['To'])
            # git send-email looks at the first subject, and refuses this one.
            subject = next(line for line in path.read_text(encoding='utf-8').splitlines()
                           if line.startswith('Subject: '))
            self.assertIn('*** SUBJECT HERE ***', subject)

    def test_a_commit_that_git_am_does_not_make(self) -> None:
        made, _ = self.write()
        text = made[1].read_text(encoding='utf-8')
        made[1].write_text(text.replace('+THREE', '+FOUR'), encoding='utf-8')
        with self.assertRaisesRegex(Failure, 'what the series second is'):
            mail.check(self.repository, 'second', 'first', made)

    def test_without_a_cover(self) -> None:
        for text, said in (('one\ntwo\n', 'start with a subject'), (None, 'is missing')):
            path = self.top / 'patches/second/cover.txt'
            if text:
                path.write_text(text, encoding='utf-8')
            else:
                path.unlink()
            with self.assertRaisesRegex(Failure, said):
                mail.cover('second')


class StyleTest(unittest.TestCase):
    def test_who_can_be_answered(self) -> None:
        for author, fit in {'Eve <eve@kernel.org>': True, 'Änn Öl <a@b.de>': True,
                            'Eve <eve>': False, 'eve@kernel.org': False, PLACEHOLDER: False,
                            'A <a@noreply.github.com>': False, 'A <a@b.example>': False,
                            'A <root@host.localhost>': False, ' <>': False}.items():
            self.assertEqual(Style(author).fit, fit, author)


class RecipientsTest(unittest.TestCase):
    def test_nobody_is_named_twice(self) -> None:
        both = Recipients.union([parse(SAID), Recipients(('C <c@example.org>',),
                                                         ('Bob <bob@example.org>',))])
        self.assertEqual([name.rpartition(' ')[2] for name in both.to],
                         ['<ann@example.org>', '<bob@example.org>', '<c@example.org>'])
        self.assertEqual(both.cc, ('net@example.org',))


class BaseTest(unittest.TestCase):
    def test_base(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder, 'linux-7.3')
            Content(MAKEFILE.encode()).put(top / 'Makefile')
            origin, names = Source(top, 'some'), ['Makefile', 'net/gone.c']
            self.assertEqual(source.base(origin, MAKEFILE, names), 'base: Linux 7.3.4 (linux-7.3)')
            git(top, 'init', '-q')
            git(top, 'add', '.')
            git(top, 'commit', '-qm', 'Linux')
            commit = git(top, 'rev-parse', 'HEAD').strip()
            self.assertEqual(source.base(origin, MAKEFILE, names), f'base-commit: {commit}')
            # A folder of a repository is no source of its own.
            Content(MAKEFILE.encode()).put(top / 'inner/Makefile')
            self.assertEqual(source.base(Source(top / 'inner', 'some'), MAKEFILE, names),
                             'base: Linux 7.3.4 (inner)')
            (top / 'Makefile').write_text('changed', encoding='utf-8')
            self.assertEqual(source.base(origin, MAKEFILE, names), 'base: Linux 7.3.4 (linux-7.3)')


if __name__ == '__main__':
    unittest.main()
