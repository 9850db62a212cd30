"""Who a message comes from, proved: DKIM, SPF, DMARC, ARC, and what is written about it. No socket is opened here."""
