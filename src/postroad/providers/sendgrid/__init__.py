"""Twilio SendGrid: https://www.twilio.com/docs/sendgrid/api-reference"""
