"""Notices of servers that are met seldom, or were long ago; each in few words of our own around what it must say."""

from tests.reports.notices import Written

RARE_NOTICES = (
    Written(
        "Exchange 2003",
        "Undeliverable: x",
        "Your message\n"
        "\n"
        "  To:      ann@example.com\n"
        "  Subject: x\n"
        "  Sent:    Thu, 29 Apr 2027 23:34:45 +0900\n"
        "\n"
        "did not reach the following recipient(s):\n"
        "\n"
        "ann@example.com on Thu, 29 Apr 2027 23:34:45 +0900\n"
        "    The e-mail account does not exist at the organization this message was sent to.  Check the "
        "e-mail address, or contact the recipient directly to find out the correct address.\n"
        "    <mail.example.com #5.1.1>\n",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Exchange 5.5",
        "Undeliverable: x",
        "did not reach the following recipient(s):\n"
        "\n"
        "ann@example.com on Thu, 29 Apr 2027\n"
        "    The recipient name is not recognized\n"
        "\tThe MTS-ID of the original message is: c=jp;a= ;p=x\n"
        "    MSEXCH:IMS:KIJITORA CAT:EXAMPLE:EXCHANGE 0 (000C05A6) Unknown Recipient\n",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Exchange 2003, no room",
        "Undeliverable: x",
        "did not reach the following recipient(s):\n"
        "\n"
        "ann@example.com on Thu\n"
        "    The recipient's mailbox is over its storage limit. Ask the recipient to remove some mail.\n"
        " <mail.example.com #5.2.2>",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "Notes",
        "DELIVERY FAILURE",
        "------- Failure Reasons  --------\n"
        "\n"
        "User not listed in public Name & Address Book\n"
        "ann@example.com\n"
        "\n"
        "------- Returned Message --------\n"
        "\n"
        "Received: from x\n",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "OpenSMTPD",
        "Delivery status notification",
        "    Hi!\n"
        "\n"
        "    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n"
        "\n"
        "    An error has occurred while attempting to deliver a message for\n"
        "    the following list of recipients:\n"
        "\n"
        "ann@example.com: 550 5.2.2 <ann@example>... Mailbox Full\n"
        "\n"
        "    Below is a copy of the original message:\n"
        "\n"
        "Received: from x",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "DragonFly",
        "Mail delivery failed",
        "This is the DragonFly Mail Agent at df.acme.example.\n"
        "\n"
        "There was an error delivering your mail to <ann@example.com>.\n"
        "\n"
        "mx.example.com [192.0.2.1] did not like our RCPT TO:\n"
        "550 User unknown\n"
        "\n"
        "Message headers follow.\n"
        "\n"
        "Received: from x",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "MailMarshal",
        "Undeliverable Mail",
        "Your message:\n"
        "   From:    joe@acme.example\n"
        "   Subject: x\n"
        "\n"
        "Could not be delivered because of\n"
        "\n"
        "550 5.1.1 User unknown\n"
        "\n"
        "The following recipients were affected:\n"
        "    ann@example.com\n"
        "\n"
        "Additional Information\n"
        "======================\n"
        "\n"
        "Original Sender:    <joe@acme.example>\n"
        "Server-Name:        [192.0.2.1]\n"
        "MIME-Version: 1.0",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Messaging Server",
        "Delivery Notification: Delivery has failed",
        "This report relates to a message you sent with the following header fields:\n"
        "\n"
        "  Message-id: <1@acme.example>\n"
        "  Date: Thu\n"
        "  From: joe@acme.example\n"
        "  To: ann@example.com\n"
        "  Subject: x\n"
        "\n"
        "Your message cannot be delivered to the following recipients:\n"
        "\n"
        "  Recipient address: ann@example.com\n"
        "  Reason: Remote SMTP server has rejected address\n"
        "  Diagnostic code: smtp;550 5.1.1 <ann@example.com>... User Unknown\n"
        "  Remote system: dns;mx.example.com (TCP|17.1.1.1|47323|192.0.2.225|25)\n",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Messaging Server, no room",
        "Delivery Notification: Delivery has failed",
        "Your message cannot be delivered to the following recipients:\n"
        "\n"
        "  Recipient address: ann@example.com\n"
        "  Original address: ann@example.com\n"
        "  Reason: Over quota\n",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "SurfControl",
        "Message Delivery Failure",
        "Your message could not be sent.\n"
        "A transcript of the attempts to send the message follows.\n"
        "The number of attempts made: 1\n"
        "Addressed To: ann@example.com\n"
        "\n"
        "Thu 29 Apr 2027 23:34:45 +0900\n"
        "Failed to send to identified host,\n"
        "ann@example.com: [192.0.2.5], 550 ann@example.com... No such user\n"
        "--- Message non-deliverable.\n",
        (("ann@example.com", "recipient_refused"),),
    ),
    Written(
        "InterScan",
        "Mail could not be delivered",
        "****** Message from InterScan Messaging Security Suite ******\n"
        "\n"
        "Sent <<< RCPT TO:<ann@example.com>\n"
        "Received >>> 550 5.1.1 <ann@example.com>... user unknown\n"
        "\n"
        "Unable to deliver message to <ann@example.com>.\n"
        "\n"
        "************************     End of message     **********************",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "GMX",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n"
        "\n"
        "A message that you sent could not be delivered to one or more of\n"
        "its recipients. This is a permanent error. The following address\n"
        "failed:\n"
        "\n"
        '"ann@example.com":\n'
        "SMTP error from remote server after RCPT command:\n"
        "host: mx.example.com\n"
        "5.1.1 <ann@example.com>... User Unknown\n"
        "\n"
        "\n"
        "--- The header of the original message is following. ---\n"
        "\n"
        "Received: from x",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "1&1",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n"
        "\n"
        "A message that you sent could not be delivered to one or more of its recipients. This is a "
        "permanent error. The following address failed:\n"
        "\n"
        "ann@example.com\n"
        "\n"
        "For the following reason:\n"
        "\n"
        "Mail size limit exceeded. For explanation visit\n"
        "http://postmaster.1and1.com/en/error-messages?ip=192.0.2.1\n"
        "\n"
        "--- The header of the original message is following. ---",
        (("ann@example.com", "message_fault"),),
    ),
    Written(
        "Zoho",
        "Undelivered Mail Returned to Sender",
        "This message was created automatically by mail delivery software.\n"
        " A message that you sent could not be delivered to one or more of its recipients. This is a "
        "permanent error. \n"
        "\n"
        "ann@example.com Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <ann@example.com>... User Unknown\n"
        "\n"
        "Received:from mail.zoho.example",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "James",
        "Failed recipient",
        "Hi. This is the James mail server at mx.acme.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out. Below\n"
        "I include the list of recipients and the reason why I was unable to deliver\n"
        "your message.\n"
        "\n"
        "Failed recipient(s):\n"
        "  ann@example.com\n"
        "\n"
        "Error message:\n"
        "  550 5.1.1 no such user\n",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "IMail",
        "Undeliverable Mail",
        "Unknown user: ann@example.com\n\nOriginal message follows.\n\nReceived: from x",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "IMail, no room",
        "Undeliverable Mail",
        "User mailbox exceeds allowed size: ann@example.com\n\nOriginal message follows.",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "IMail, no host",
        "Undeliverable Mail",
        "Unknown host: ann@example.com\n\nOriginal message follows.",
        (("ann@example.com", "hard_domain"),),
    ),
    Written(
        "IMail, given up",
        "Undeliverable Mail",
        "undeliverable to ann@example.com\nmax tries exceeded 36 tries, Delivery failed 20 attempts\n",
        (("ann@example.com", "transient"),),
    ),
    Written(
        "an old AOL",
        "Returned mail: Command rejected",
        "   ----- The following addresses had permanent fatal errors -----\n"
        "<ann@aol.example>\n"
        "\n"
        "   ----- Transcript of session follows -----\n"
        "... while talking to air-yc02.mail.aol.com.:\n"
        ">>> RCPT To:<ann@aol.example>\n"
        "<<< 550 MAILBOX NOT FOUND\n"
        "550 <ann@aol.example>... User unknown",
        (("ann@aol.example", "hard_recipient"),),
    ),
    Written(
        "CommuniGate",
        "Undeliverable mail: x",
        "Failed to deliver to '<ann@example.com>'\n"
        "LOCAL module(account ann) reports:\n"
        " account is full (quota exceeded)\n",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "CommuniGate, remote",
        "Undeliverable mail: x",
        "Failed to deliver to '<ann@example.com>'\n"
        "SMTP module(domain example.com) reports:\n"
        " host example.com says:\n"
        " 550 5.1.1 <ann@example.com>... User unknown\n",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "hMailServer",
        "Message undeliverable: x",
        "Your message did not reach some or all of the intended recipients.\n"
        "\n"
        "   Sent: Mon\n"
        "   Subject: x\n"
        "\n"
        "The following recipient(s) could not be reached:\n"
        "\n"
        "ann@example.com\n"
        "   Error Type: SMTP\n"
        "   Remote server (192.0.2.1) issued an error.\n"
        "   hMailServer sent: RCPT TO:<ann@example.com>\n"
        "   Remote server replied: 550 5.1.1 User unknown\n"
        "\n"
        "\n"
        "hMailServer\n",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Haraka",
        "Failed Message",
        "I'm sorry to have to inform you that your message could not be delivered.\n"
        "\n"
        "<ann@example.com>: Some recipients failed: 550 5.7.1 Message rejected due to SPF policy\n",
        (("ann@example.com", "block_auth"),),
    ),
    Written(
        "Smail",
        "mail failed, returning to sender",
        "|------------------------- Failed addresses follow: ---------------------|\n"
        " <ann@example.com> ... unknown host\n"
        "|------------------------- Message text follows: ------------------------|\n",
        (("ann@example.com", "hard_domain"),),
    ),
    Written(
        "Kerio",
        "Undelivered Mail",
        "This message was automatically generated by Kerio Connect.\n"
        "\n"
        "The message could not be delivered to ann@example.com:\n"
        "\n"
        "552 5.2.2 User quota exceeded\n",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "Google Groups",
        "Delivery Status Notification (Failure)",
        "Hello joe@acme.example,\n"
        "\n"
        "We're writing to let you know that the group you tried to contact (team) may not exist, or you "
        "may not have permission to post messages to the group. A few more details on why you weren't "
        "able to post:\n"
        "\n"
        " * You might have spelled or formatted the group name incorrectly.\n"
        "\n"
        "https://support.google.com/a/example.com/bin/topic.py?topic=25838\n"
        "\n"
        "----- Original message -----\n"
        "\n"
        "To: team@example.com\n",
        (("team@example.com", "recipient_refused"),),
    ),
    Written(
        "Korean",
        "배달되지 않음: x",
        "다음 받는 사람에게 메일을 배달하지 못했습니다:\n"
        "\n"
        "ann@example.com\n"
        "존재하지 않는 사용자입니다.\n"
        "550 5.1.1 사용자를 찾을 수 없음",
        (("ann@example.com", "hard_recipient"),),
    ),
    Written(
        "Swedish",
        "Kunde inte levereras: x",
        "Meddelandet kunde inte levereras till följande mottagare:\n\nann@example.com\n552 5.2.2 Postlådan är full",
        (("ann@example.com", "mailbox_full"),),
    ),
    Written(
        "Czech",
        "Nedoručitelné: x",
        "Doručení následujícím příjemcům se nezdařilo:\n\nann@example.com\n550 5.1.1 uživatel neexistuje",
        (("ann@example.com", "hard_recipient"),),
    ),
)
