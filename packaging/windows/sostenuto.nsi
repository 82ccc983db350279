; The installer for Windows: for one user, without administrator's rights.
; Called by packaging/release: makensis -DVERSION=… -DSTAGE=… -DPATCHES=… -DOUT=… sostenuto.nsi

Unicode true
SetCompressor /SOLID lzma
!include MUI2.nsh

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Sostenuto"

Name "Sostenuto"
OutFile "${OUT}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\Sostenuto"
InstallDirRegKey HKCU "${UNINSTALL}" "InstallLocation"

!define MUI_ICON "${STAGE}/sostenuto.ico"
!define MUI_UNICON "${STAGE}/sostenuto.ico"
!define MUI_FINISHPAGE_RUN "$INSTDIR\sostenuto.exe"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

Section
    SetOutPath "$INSTDIR"
    File "${STAGE}/sostenuto.exe"
    File "${STAGE}/dsp-worker.exe"
    File "${STAGE}/sostenuto.ico"
    File "${STAGE}/READ-ME.txt"
    File "${STAGE}/LICENSE-MIT"
    File "${STAGE}/LICENSE-APACHE"
    File "${STAGE}/third-party-licences.txt"
    SetOutPath "$INSTDIR\patches"
    File "${STAGE}/patches/*.sostenuto"
    SetOutPath "$INSTDIR"

    CreateShortcut "$SMPROGRAMS\Sostenuto.lnk" "$INSTDIR\sostenuto.exe" "" "$INSTDIR\sostenuto.ico"

    WriteRegStr HKCU "Software\Classes\.sostenuto" "" "Sostenuto.Patch"
    WriteRegStr HKCU "Software\Classes\.sostenuto" "Content Type" "application/x-sostenuto"
    WriteRegStr HKCU "Software\Classes\Sostenuto.Patch" "" "Sostenuto patch"
    WriteRegStr HKCU "Software\Classes\Sostenuto.Patch\DefaultIcon" "" "$INSTDIR\sostenuto.ico"
    WriteRegStr HKCU "Software\Classes\Sostenuto.Patch\shell\open\command" "" \
        '"$INSTDIR\sostenuto.exe" "%1"'

    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Sostenuto"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\sostenuto.ico"
    WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Sostenuto authors"
    WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
    WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
    WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
    ; Explorer reads the file types again.
    System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
SectionEnd

; Settings, the journal and recordings are the musician's, and stay.
Section "Uninstall"
    Delete "$INSTDIR\sostenuto.exe"
    Delete "$INSTDIR\dsp-worker.exe"
    Delete "$INSTDIR\sostenuto.ico"
    Delete "$INSTDIR\READ-ME.txt"
    Delete "$INSTDIR\LICENSE-MIT"
    Delete "$INSTDIR\LICENSE-APACHE"
    Delete "$INSTDIR\third-party-licences.txt"
    !include "${PATCHES}"
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR\patches"
    RMDir "$INSTDIR"
    Delete "$SMPROGRAMS\Sostenuto.lnk"
    DeleteRegKey HKCU "Software\Classes\Sostenuto.Patch"
    ReadRegStr $0 HKCU "Software\Classes\.sostenuto" ""
    ${If} $0 == "Sostenuto.Patch"
        DeleteRegKey HKCU "Software\Classes\.sostenuto"
    ${EndIf}
    DeleteRegKey HKCU "${UNINSTALL}"
    System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
SectionEnd
