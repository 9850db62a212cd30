"""Resend: https://resend.com/docs/api-reference"""
