/** Steps by which a phone or computer comes to trust this host. Plain HTML: it must work before anything else does. */
export const trustPage = (fingerprint: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trust this AIVillage host</title></head><body>
<h1>Trust this host, once per device</h1>
<p>Until this device trusts the host's certificate, the page works, but it can not be installed and does not open
offline. Trusting means: this device accepts what <em>this</em> host signs. Remove it again in the same place.</p>
<p><a href="/ca.crt">Download the certificate (aivillage-ca.crt)</a></p>
<p>Before this device trusts it, compare its SHA-256 fingerprint with the one in the host's terminal:</p>
<pre>${fingerprint.replace(/(.{48})/g, '$1\n')}</pre>
<h2>Android</h2><p>Download, then Settings, Security, Encryption and credentials, Install a certificate, CA certificate.
Choose the downloaded file. Close and open the browser.</p>
<h2>iPhone and iPad</h2><p>Download in Safari and allow the profile. Settings, General, VPN and Device Management: install it.
Then Settings, General, About, Certificate Trust Settings: switch it on.</p>
<h2>Windows</h2><p>Open the file, Install Certificate, Local Machine, place it in Trusted Root Certification Authorities.</p>
<h2>macOS</h2><p>Open the file in Keychain Access, find it under System, open it, Trust, Always Trust.</p>
<h2>Linux</h2><p>Chrome and Chromium: Settings, Privacy and security, Security, Manage certificates, Authorities, Import.</p>
<h2>Firefox (any system)</h2><p>Settings, Privacy and Security, View Certificates, Authorities, Import, trust for websites.</p>
<p><a href="/">Back to the page</a></p>
</body></html>
`;
