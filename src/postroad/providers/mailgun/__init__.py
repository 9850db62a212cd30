"""Mailgun: https://documentation.mailgun.com/docs/mailgun/api-reference"""
