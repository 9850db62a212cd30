"""Notices as mail servers write them, in their own forms and languages; none is a copy of a real one.

Each has a name, its header's particular fields, its text, and what it says: recipient, class.
"""

from dataclasses import dataclass

DAEMON = "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.acme.example>\nReturn-Path: <>\n"


@dataclass(frozen=True, slots=True)
class Written:
    """A notice in words alone."""

    name: str
    subject: str
    text: str
    expected: tuple[tuple[str, str], ...]
    header: str = DAEMON
    kind: str = "bounce"

    def mail(self) -> bytes:
        """The mail, in UTF-8."""
        head = f"{self.header}To: joe@acme.example\nSubject: {self.subject}\nContent-Type: text/plain; charset=utf-8\n"
        return f"{head}Content-Transfer-Encoding: 8bit\n\n{self.text}\n".encode()


COPY = """
------ This is a copy of the message, including all the headers. ------

Return-path: <joe@acme.example>
From: joe@acme.example
To: ann@example.com
Subject: virus spam blocked user unknown
Message-ID: <1@acme.example>
"""

NOTICES = (
    Written(
        "exim, remote",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  ann@example.com\n    host mx.example.com [192.0.2.1]\n    SMTP error from remote mail server after RCPT "
        f"TO:<ann@example.com>:\n    550 No such user here\n{COPY}",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "exim, own",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. The following address(es) failed:\n\n  ann@example.com\n"
        f'    unknown local-part "ann" in domain "example.com"\n  bob@example.net\n    Unrouteable address\n{COPY}',
        (("ann@example.com", "hard_recipient"), ("bob@example.net", "hard_recipient")),
    ),
    Written(
        "exim, warning",
        "Warning: message 1abcde-000000-00 delayed 24 hours",
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been "
        "delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.acme.example.\n\n"
        "The address to which the message has not yet been delivered is:\n\n  ann@example.com\n    host mx.example.com "
        "[192.0.2.1]\n    Delay reason: Connection timed out\n\nNo action is required on your part.",
        (("ann@example.com", "transient"),),
        kind="delayed",
    ),
    Written(
        "qmail, two recipients",
        "failure notice",
        "Hi. This is the qmail-send program at mx.acme.example.\nI'm afraid I wasn't able to deliver your message to "
        "the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<ann@example.com>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 sorry, no mailbox here by that "
        "name (#5.1.1)\nGiving up on 192.0.2.1.\n\n<bob@example.net>:\nSorry, I couldn't find any host named "
        f"example.net. (#5.1.2)\n\n--- Below this line is a copy of the message.\n{COPY}",
        (("ann@example.com", "hard_recipient"), ("bob@example.net", "hard_domain")),
    ),
    Written(
        "sendmail with its transcript",
        "Returned mail: see transcript for details",
        "The original message was received at Mon, 23 Nov 2026 09:00:00 GMT\nfrom localhost [127.0.0.1]\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n<ann@example.com>\n"
        "    (reason: 552 5.2.2 Over quota)\n\n   ----- Transcript of session follows -----\n"
        "... while talking to mx.example.com.:\n>>> RCPT To:<ann@example.com>\n<<< 552 5.2.2 Over quota\n"
        "550 5.1.1 <ann@example.com>... User unknown",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "an old sendmail",
        "Returned mail: User unknown",
        "   ----- Transcript of session follows -----\n>>> RCPT To:<ann@example.com>\n<<< 550 "
        "<ann@example.com>... User "
        "unknown\n550 <ann@example.com>... User unknown\n\n   ----- Unsent message follows -----\n" + COPY,
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Exchange, English",
        "Undeliverable: Your order",
        "Delivery has failed to these recipients or groups:\n\nann@example.com<mailto:ann@example.com>\nThe email "
        "address you entered couldn't be found. Please check the recipient's email address and try to resend the "
        "message.\n\nDiagnostic information for administrators:\n\nGenerating server: mx.acme.example\n\n"
        "ann@example.com\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\nOriginal message "
        "headers:\n\nReceived: "
        "from a by b",
        (("ann@example.com", "hard_recipient"),),
        "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@acme.example>\n",
    ),
    Written(
        "Exchange, German",
        "Unzustellbar: Ihre Bestellung",
        "Fehler bei der Zustellung an folgende Empfänger oder Gruppen:\n\nann@example.com\nDie eingegebene "
        "E-Mail-Adresse wurde nicht gefunden.\n\nDiagnoseinformationen für Administratoren:\n\nServer: "
        "mx.example.com\n\nann@example.com\nRemote Server returned '550 5.1.1 <ann@example.com>: "
        "Empfänger unbekannt'\n\n"
        "Ursprüngliche Nachrichtenkopfzeilen:\n\nReceived: from a by b",
        (("ann@example.com", "hard_recipient"),),
        "From: postmaster@acme.example\n",
    ),
    Written(
        "Exchange, French",
        "Non remis : Votre commande",
        "Échec de la remise aux destinataires ou groupes suivants :\n\nann@example.com\nLa boîte aux lettres du "
        "destinataire est pleine et ne peut pas accepter de messages pour l'instant.\n\nRemote Server returned '554 "
        "5.2.2 mailbox full'",
        (("ann@example.com", "mailbox_full"),),
        "From: Microsoft Outlook <postmaster@acme.example>\n",
    ),
    Written(
        "Exchange, Japanese",
        "配信不能: ご注文",
        "以下の受信者またはグループにメッセージを配信できませんでした:\n\nann@example.com\n"
        "入力した電子メール アドレスが見つかりませんでした。\n\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##",
        (("ann@example.com", "hard_recipient"),),
        "From: postmaster@acme.example\n",
    ),
    Written(
        "Domino",
        "DELIVERY FAILURE: User ann (ann@example.com) not listed in Domino Directory",
        "Your message\n\n  Subject: Your order\n\nwas not delivered to:\n\n  ann@example.com\n\nbecause:\n\n  User ann "
        "(ann@example.com) not listed in Domino Directory",
        (("ann@example.com", "hard_recipient"),),
        "From: Postmaster@example.com\n",
    ),
    Written(
        "GroupWise",
        "Mail System Error - Returned Mail",
        "The message that you sent was undeliverable to the following:\n\tann@example.com (550 5.1.1 user unknown)\n",
        (("ann@example.com", "hard_recipient"),),
        "From: Mailer-Daemon@example.com\n",
    ),
    Written(
        "Gmail",
        "Delivery Status Notification (Failure)",
        "** Address not found **\n\nYour message wasn't delivered to ann@example.com because the address couldn't be "
        "found, or is unable to receive mail.\n\nThe response from the remote server was:\n550 5.1.1 "
        "<ann@example.com>: Recipient address rejected: User unknown",
        (("ann@example.com", "hard_recipient"),),
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nX-Failed-Recipients: ann@example.com\n",
    ),
    Written(
        "Gmail, blocked",
        "Delivery Status Notification (Failure)",
        "** Message blocked **\n\nYour message to ann@example.com has been blocked. See technical details below for "
        "more information.\n\nThe response from the remote server was:\n554 5.7.1 Service unavailable; Client host "
        "[192.0.2.1] blocked using zen.spamhaus.org",
        (("ann@example.com", "block_reputation"),),
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nX-Failed-Recipients: ann@example.com\n",
    ),
    Written(
        "Russian",
        "Недоставленное сообщение",
        "Это письмо создано автоматически сервером.\n\nК сожалению, ваше письмо не может быть доставлено одному или "
        "нескольким получателям:\n\n<ann@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1 Пользователь не "
        "найден (in reply to RCPT TO command)",
        (("ann@example.com", "hard_recipient"),),
        "From: mailer-daemon@corp.example\n",
    ),
    Written(
        "Chinese",
        "系统退信",
        "抱歉，您的邮件被退回来了……\n原邮件信息：\n收件人： ann@example.com\n\n"
        "退信原因：\n收件人邮箱已满，无法接收新的邮件。\n"
        "552 5.2.2 邮箱已满",
        (("ann@example.com", "mailbox_full"),),
        "From: PostMaster@example.cn\n",
    ),
    Written(
        "Spanish",
        "No se puede entregar: Su pedido",
        "No se pudo entregar el mensaje a los siguientes destinatarios:\n\n  ann@example.com\n    550 5.1.1 Usuario "
        "desconocido",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Portuguese",
        "Mensagem não entregue",
        "A sua mensagem não pôde ser entregue ao seguinte destinatário:\n\n<ann@example.com>\n552 5.2.2 Caixa postal "
        "cheia",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "Italian",
        "Mancato recapito: ordine",
        "Impossibile recapitare il messaggio ai seguenti destinatari:\n\n<ann@example.com>\n550 5.1.1 Utente "
        "sconosciuto",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Polish",
        "Niedostarczona wiadomość",
        "Nie można dostarczyć wiadomości do następujących adresatów:\n\n<ann@example.com>\n550 5.1.1 Nie znaleziono "
        "użytkownika: konto nie istnieje",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Dutch",
        "Onbestelbaar: bestelling",
        "Uw bericht kon niet worden bezorgd aan:\n\nann@example.com\n552 5.2.2 De mailbox is vol: quota exceeded",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "a small server in words only",
        "Undeliverable mail",
        "Your message could not be delivered to <ann@example.com> for the following reason:\n\nThe recipient's mailbox "
        "is full.\n\nOriginal message follows:\n\nSubject: x",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "MDaemon",
        "Permanent Delivery Failure",
        "The attached message had PERMANENT fatal delivery errors!\n\nThe following addresses did NOT "
        "receive a copy of "
        "your message:\n\n> ann@example.com\n\n--- Session Transcript ---\n <-- 220 mx\n --> RCPT "
        "To:<ann@example.com>\n "
        "<-- 550 5.1.1 User unknown\n--- End Transcript ---",
        (("ann@example.com", "hard_recipient"),),
        "From: MDaemon@example.com\n",
    ),
    Written(
        "a hosted filter",
        "Message not delivered",
        "Delivery to the following recipient failed:\n\n  ann@example.com\n\nReason: 554 5.7.1 Message "
        "rejected because "
        "it contains a virus: Eicar-Test-Signature",
        (("ann@example.com", "block_content"),),
        "From: Mail Delivery Service <noreply@filter.example>\nReturn-Path: <>\n",
    ),
)
